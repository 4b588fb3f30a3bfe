"""Makes a failing schedule small: leaves out decisions as long as the same failure shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

from weft.probes.explorer.strands import real_time
from weft.probes.explorer.strategies import Decision

#: So many decisions have few enough subsets to try them all.
MOST_FOR_SUBSETS = 7
MOST_FOR_ONE = 4

#: Runs the decisions; the decisions that had an effect if it fails in the same way, else None.
Try = Callable[[Sequence[Decision]], list[Decision] | None]


def shrink(
    decisions: list[Decision], attempt: Try, steps: dict[str, int], *, tries: int = 400, seconds: float = 4.0
) -> list[Decision]:
    """The smallest list of decisions found within so many ``tries`` and real ``seconds`` (ddmin, then one by one).

    ``steps`` says how many points each thread came to: if two or three decisions are left, one alone is tried at each.
    """
    search = _Search(decisions, attempt, tries, seconds)
    if not decisions or search.better([]):
        return search.best
    size = max(len(search.best) // 2, 1)
    while search.goes_on():
        if not search.one_pass(size) and size == 1:
            break
        size = max(min(size // 2, len(search.best) // 2), 1)
    search.fewest()
    if 1 < len(search.best) <= MOST_FOR_ONE:
        search.one_alone(steps)
    return search.best


class _Search:
    def __init__(self, decisions: list[Decision], attempt: Try, tries: int, seconds: float) -> None:
        self.best, self.attempt, self.tries = decisions, attempt, tries
        self.end = real_time() + seconds

    def goes_on(self) -> bool:
        return self.tries > 0 and real_time() < self.end

    def better(self, decisions: list[Decision]) -> bool:
        """Try ``decisions``; whether they fail too and are fewer."""
        self.tries -= 1
        effective = self.attempt(decisions)
        if effective is None or len(effective) >= len(self.best):
            return False
        self.best = effective
        return True

    def one_alone(self, steps: dict[str, int]) -> None:
        """Interrupt one thread once, anywhere: the plainest schedule, if the mistake needs no more."""
        for thread, last in steps.items():
            for step in range(1, last + 1):
                if not self.goes_on() or self.better([(thread, step, "")]):
                    return

    def fewest(self) -> None:
        """Decisions may need each other only in pairs: of the few that are left, try the small subsets too."""
        if len(self.best) > MOST_FOR_SUBSETS:
            return
        for size in range(1, len(self.best) - 1):
            for subset in combinations(self.best, size):
                if self.goes_on() and self.better(list(subset)):
                    return

    def one_pass(self, size: int) -> bool:
        """Leave out each stretch of ``size`` decisions in turn, from the end; whether any could go."""
        found, start = False, len(self.best) - size
        while self.goes_on() and (start > -size):
            first = max(start, 0)
            if self.better(self.best[:first] + self.best[first + size :]):
                found = True
                start = min(start, len(self.best))
            start -= size
        return found
