"""Where Runs go: Computes, what they grant and what they cost."""
