"""`pixmill NOUN VERB`. Each noun is a module here; see `main.py` for how they are found."""
