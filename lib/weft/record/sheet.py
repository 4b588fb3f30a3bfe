"""The certificate as a sheet of paper, in SVG and PDF: the same one gives the same bytes, so that any change shows."""

from __future__ import annotations

import io
from collections.abc import Callable

import matplotlib
from matplotlib.figure import Figure

from weft.judge.verdicts import CRITERIA, format_points
from weft.record.certificate import Certificate

#: A4, upright, in inches.
PAPER = (8.27, 11.69)

#: Names of matplotlib's fonts and ids must not depend on the machine or the moment.
FIXED = {"svg.hashsalt": "weft", "svg.fonttype": "path", "pdf.fonttype": 42, "font.family": ["DejaVu Sans"]}

INK, SOFT, LINE = "#1b1f24", "#57606a", "#0969da"


def svg(found: Certificate) -> bytes:
    """The sheet as SVG; what it says is in its metadata and, for a screen reader, in its description."""
    said = f"{found.name}, {found.day}, {format_points(found.total)} of {_possible(found)} points. {found.mark()}"
    return _saved(found, "svg", {"Date": None, "Title": f"Certificate for {found.name}", "Description": said})


def pdf(found: Certificate) -> bytes:
    """The sheet as PDF."""
    title = f"Certificate for {found.name}"
    return _saved(found, "pdf", {"CreationDate": None, "Title": title, "Keywords": found.mark()})


#: How to draw a file again, by the ending of its name.
FORMS: dict[str, Callable[[Certificate], bytes]] = {"svg": svg, "pdf": pdf}


def _saved(found: Certificate, form: str, metadata: dict[str, str | None]) -> bytes:
    with matplotlib.rc_context(FIXED):
        buffer = io.BytesIO()
        _sheet(found).savefig(buffer, format=form, metadata=metadata)
    return buffer.getvalue()


def _sheet(found: Certificate) -> Figure:
    figure = Figure(figsize=PAPER)
    words: list[tuple[float, str, float, str]] = [
        (0.87, "Weft", 30, LINE),
        (0.835, "Concurrency in Python", 13, SOFT),
        (0.755, found.name, 26, INK),
        (0.715, f"has passed all {len(found.points)} challenges", 12, SOFT),
        (0.17, f"{format_points(found.total)} of {_possible(found)} points", 16, INK),
        (0.115, found.day, 11, INK),
        (0.09, f"verification code {found.code}", 11, SOFT),
    ]
    for height, text, size, colour in words:
        # parse_math: a name may hold what matplotlib takes for a formula.
        figure.text(0.5, height, text, size=_fitting(text, size), color=colour, ha="center", parse_math=False)
    for height in (0.685, 0.21):
        figure.add_artist(matplotlib.lines.Line2D([0.1, 0.9], [height, height], color=LINE, linewidth=1))
    _table(figure, found)
    return figure


def _table(figure: Figure, found: Certificate) -> None:
    """A row for each challenge, a column for each criterion."""
    columns = [0.56 + 0.085 * number for number in range(len(CRITERIA))]
    for place, criterion in zip(columns, CRITERIA, strict=True):
        figure.text(place, 0.655, criterion, size=7, color=SOFT, ha="right")
    step = min(0.04, 0.41 / max(1, len(found.points)))
    for number, (identity, title, earned) in enumerate(found.points):
        height = 0.63 - step * number
        figure.text(0.1, height, identity, size=10, color=LINE, parse_math=False)
        figure.text(0.15, height, title, size=min(10, 600 / max(1, len(title))), color=INK, parse_math=False)
        for place, points in zip(columns, earned, strict=True):
            figure.text(place, height, format_points(points), size=10, color=INK, ha="right")


def _fitting(text: str, size: float) -> float:
    """The size in points at which a line fits between the margins."""
    return min(size, 800 / max(1, len(text)))


def _possible(found: Certificate) -> str:
    return format_points(sum(CRITERIA.values()) * len(found.points))
