"""Who asks: Organizations, users, API tokens, browser sessions and one-time sign-in links."""
