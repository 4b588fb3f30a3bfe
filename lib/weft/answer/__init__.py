"""An answer as modules in a process of its own: lifted from a notebook, driven under limits, walled in."""
