"""REST under `/api/v1`: thin functions over the features. Every module with a `router` is served (see `app.py`)."""
