"""How the cost of each stage grows with what is asked of it."""
