"""The engines that run a network, one file each: the file's name is the engine's name.

To add one, write a module with `create() -> EngineKind` (see `contract.py`); importing it imports the engine, so that
an engine that is not installed is one whose module cannot be imported.
"""
