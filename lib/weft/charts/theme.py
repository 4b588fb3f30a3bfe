"""How the course's figures look: colours that survive colour-blindness, readable on light and on dark."""

from __future__ import annotations

import io

from matplotlib.axes import Axes
from matplotlib.figure import Figure

#: Okabe and Ito's palette, without black: https://jfly.uni-koeln.de/color/
PALETTE = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "vermilion": "#D55E00",
    "sky": "#56B4E9",
    "purple": "#CC79A7",
    "yellow": "#F0E442",
}

#: Between black and white: as far from a light background as from a dark one.
INK = "#7f7f7f"


class Chart(Figure):
    """A figure that a notebook shows as it is: without pyplot, nothing else would tell IPython how."""

    def _repr_png_(self) -> bytes:
        picture = io.BytesIO()
        self.savefig(picture, format="png")
        return picture.getvalue()


def figure(width: float = 8.0, height: float = 4.0, rows: tuple[float, ...] = (1.0,)) -> tuple[Figure, list[Axes]]:
    """A figure of so many inches with axes below one another, of these relative heights; pyplot knows nothing of it."""
    made = Chart(figsize=(width, height), layout="constrained")
    made.patch.set_alpha(0)
    grid = made.subplots(len(rows), 1, sharex=len(rows) > 1, squeeze=False, height_ratios=rows)
    axes = [row[0] for row in grid]
    for each in axes:
        dress(each)
    return made, axes


def dress(axes: Axes) -> None:
    """Transparent, with what is drawn in ink readable on any background."""
    axes.patch.set_alpha(0)
    axes.tick_params(colors=INK, which="both")
    for name, spine in axes.spines.items():
        spine.set_color(INK)
        spine.set_visible(name in ("left", "bottom"))
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_color(INK)


def headline(axes: Axes, text: str) -> None:
    """The finding, above the axes."""
    axes.set_title(text, loc="left", fontsize=11, color=INK)


def legend(axes: Axes, **where: object) -> None:
    """The axes' legend, in the same ink, if there is anything to explain."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        unique = dict(zip(labels, handles, strict=True))
        axes.legend(unique.values(), unique.keys(), frameon=False, labelcolor=INK, **where)
