"""Advice on code, drawn: what each model's score is made of, and the lines that it points at, beside the code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from weft.charts.theme import INK, PALETTE, figure, headline, legend

#: Inches for one line of code.
LINE = 0.2


def describe_scores(parts: Mapping[str, Mapping[str, float]]) -> str:
    """One sentence with what the bars show, also for those who cannot see them."""
    sums = {model: sum(kinds.values()) for model, kinds in parts.items()}
    ranked = sorted(sums, key=lambda model: sums[model], reverse=True)
    if not ranked:
        return "No score yet."
    why = max(parts[ranked[0]], key=lambda kind: parts[ranked[0]][kind], default="nothing")
    if len(ranked) == 1:
        return f"{ranked[0]}, most for its {why}"
    lead = sums[ranked[0]] - sums[ranked[1]]
    return f"{ranked[0]}, most for its {why}; {lead:.1f} points ahead of {ranked[1]}"


def score_bars(parts: Mapping[str, Mapping[str, float]], *, title: str | None = None) -> Figure:
    """A bar for each model, made of what each kind of evidence adds: ``{model: {kind: points}}``."""
    made, (axes,) = figure(8.0, 1.2 + 0.35 * max(1, len(parts)))
    models = list(parts)
    kinds = list(dict.fromkeys(kind for some in parts.values() for kind in some))
    left = dict.fromkeys(models, 0.0)
    for number, kind in enumerate(kinds):
        widths = [parts[model].get(kind, 0.0) for model in models]
        colour = list(PALETTE.values())[number % len(PALETTE)]
        axes.barh(models, widths, left=[left[model] for model in models], color=colour, label=kind, height=0.7)
        left = {model: left[model] + width for model, width in zip(models, widths, strict=True)}
    axes.invert_yaxis()
    axes.set_xlabel("score / points")
    axes.set_ylabel("model")
    headline(axes, title or describe_scores(parts))
    legend(axes, loc="upper left", bbox_to_anchor=(1.0, 1.0), title=None)
    return made


def code_marks(
    source: str, advice: Mapping[int, str], hazards: Mapping[int, str] | None = None, *, title: str | None = None
) -> Figure:
    """The code with a mark beside each line that is pointed at, and what is said of it.

    ``advice`` and ``hazards`` map line numbers, from 1, to a few words.
    """
    lines = source.rstrip("\n").split("\n")
    made, (axes,) = figure(8.0, 0.5 + LINE * max(2, len(lines)))
    axes.set_xlim(0, 1)
    axes.set_ylim(len(lines) + 0.5, 0.5)
    axes.set_axis_off()
    for number, line in enumerate(lines, start=1):
        axes.text(0.05, number, line[:70], family="monospace", fontsize=8, color=INK, va="center")
        axes.text(0.03, number, str(number), fontsize=7, color=INK, va="center", ha="right")
    _mark(axes, advice, lines, PALETTE["blue"], ">")
    _mark(axes, hazards or {}, lines, PALETTE["vermilion"], "X")
    headline(axes, title or describe_marks(advice, hazards or {}))
    return made


def describe_marks(advice: Mapping[int, str], hazards: Mapping[int, str]) -> str:
    """One sentence with the lines that are marked, also for those who cannot see them."""
    told = [f"line {line}: {words}" for line, words in sorted(advice.items())]
    told += [f"hazard in line {line}" for line in sorted(hazards)]
    return "; ".join(told)[:110] or "Nothing to mark."


def _mark(axes: Axes, marks: Mapping[int, str], lines: Sequence[str], colour: str, symbol: str) -> None:
    for number, words in marks.items():
        if 1 <= number <= len(lines):
            axes.axhspan(number - 0.5, number + 0.5, color=colour, alpha=0.18, linewidth=0)
            axes.plot([0.005], [number], symbol, color=colour, markersize=6, clip_on=False)
            end = 0.07 + 0.0105 * len(lines[number - 1][:70])
            axes.text(min(end, 0.72), number, f" {words}", fontsize=8, color=colour, va="center")
