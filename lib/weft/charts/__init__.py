"""A trace in, a matplotlib figure out."""
