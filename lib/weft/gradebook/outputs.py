"""What a graded check cell shows: its verdicts, as HTML and as plain text."""

from __future__ import annotations

from typing import Any

from weft.gradebook.reading import clean
from weft.judge.verdicts import Judgement


def cell_outputs(judgement: Judgement) -> list[dict[str, Any]]:
    """The outputs (nbformat 4) of the check cell that ``judgement`` is about."""
    from weft.judge.tables_html import verdict_table
    from weft.judge.tables_text import verdict_lines

    data = {"text/html": clean(verdict_table(judgement)), "text/plain": clean(verdict_lines(judgement))}
    return [{"output_type": "display_data", "data": data, "metadata": {}}]
