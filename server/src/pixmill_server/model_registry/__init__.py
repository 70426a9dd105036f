"""Models and their versions: pushed by users, or brought in from the Hub, a signed-off list."""
