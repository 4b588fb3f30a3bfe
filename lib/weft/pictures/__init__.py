"""A failing schedule in, a picture of it out: HTML to step through, HTML that stands still, or lines of text.

Pictures import nothing of weft. What they draw is the JSON of a failure that the schedule explorer found.
"""

from weft.pictures.html import picture
from weft.pictures.text import lines

__all__ = ["lines", "picture"]
