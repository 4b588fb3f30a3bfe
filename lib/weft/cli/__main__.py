"""``python -m weft.cli`` is ``weft``."""

from weft.cli import app

app(prog_name="weft")
