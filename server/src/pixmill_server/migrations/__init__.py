"""The one history of the database's schema. `regenerate.py` writes the next step from the tables."""
