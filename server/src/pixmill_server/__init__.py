"""The Pixmill server: control plane, data plane, REST, pages and the worker that runs Processings."""

__version__ = "0.1.0"
