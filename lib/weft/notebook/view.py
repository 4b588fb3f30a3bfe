"""What a live view shows, whatever the challenge: some figures, some bars."""

from __future__ import annotations

from dataclasses import dataclass, field

#: So many bars at most; what is left is summed up.
MOST = 12


@dataclass(frozen=True, slots=True)
class View:
    """One moment. ``stats`` maps names to figures, ``bars`` names to how far each is (0.0 to 1.0) and a few words."""

    stats: dict[str, str] = field(default_factory=dict)
    bars: dict[str, tuple[float, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; ``share`` is from 0.0 to 1.0."""

    name: str
    share: float
    words: str


def chosen_bars(view: View, most: int = MOST) -> tuple[list[Bar], str]:
    """The bars to show, those under way first, then those that wait, then those done; and a line on the rest."""
    bars = [Bar(name, min(1.0, max(0.0, share)), words) for name, (share, words) in view.bars.items()]
    order = {"under way": 0, "waiting": 1, "done": 2}
    bars.sort(key=lambda bar: order[_state(bar)])
    shown, rest = bars[:most], bars[most:]
    if not rest:
        return shown, ""
    states = [_state(bar) for bar in rest]
    parts = [f"{states.count(state)} {state}" for state in order if state in states]
    return shown, f"and {len(rest)} more: {', '.join(parts)}"


def _state(bar: Bar) -> str:
    if bar.share <= 0:
        return "waiting"
    return "done" if bar.share >= 1 else "under way"
