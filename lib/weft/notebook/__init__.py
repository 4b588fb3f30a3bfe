"""What runs in the learner's kernel: magics, verdict tables, live views, the start page."""

from weft.notebook.worlds import use_world

__all__ = ["use_world"]
