"""Pixmill: run code over image datasets; the SDK, the command line, the authoring API and the runtime of a Run."""
