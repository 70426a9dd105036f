"""The sample's detector: its network, how it learns, and how its answers are read. Only `sample.train` needs torch."""
