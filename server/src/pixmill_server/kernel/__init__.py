"""What every layer may use and what knows no noun of the product: ids, the clock, signals."""
