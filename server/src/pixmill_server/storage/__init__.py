"""Where bytes lie: objects (`objects.py`) and versioned tables (`tables.py`). No noun of the product."""
