"""The Pixmill server: control plane, data plane, REST, pages and the worker that runs Processings."""
