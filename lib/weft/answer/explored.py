"""Inside an answer's process: a drive as a scenario of the schedule explorer, and what came out as facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weft.answer.messages import Request
from weft.probes import explorer

#: A failure keeps so many events at its end, where it fails, and so many at its start.
LAST, FIRST = 300, 50


class Scenario:
    """A drive with its arguments, without parameters, as the explorer calls it.

    The drive's module runs afresh for each schedule, because its imports must give the answer's modules of that one.
    """

    def __init__(self, request: Request, filename: str) -> None:
        self.request = request
        self.module = compile(request.text, filename, "exec", dont_inherit=True)
        self.__code__ = self.module  # tells the explorer in which file the scenario's own lines are

    def __call__(self) -> Any:
        names: dict[str, Any] = {"__name__": "drive"}
        exec(self.module, names)
        return names[self.request.function](*self.request.args, **self.request.kwargs)


def explore(
    request: Request,
    filename: str,
    modules: str,
    *,
    schedules: int = 200,
    seed: int = 0,
    budget: float = 15.0,
    replay: Mapping[str, Any] | None = None,
    virtual: bool = False,
) -> dict[str, Any]:
    """The JSON of an Exploration; with ``replay``, a schedule, or with ``virtual``, that of a Run.

    ``filename`` is the drive module's, ``modules`` the folder of answer modules, ``budget`` real seconds for all of it.
    """
    scenario = Scenario(request, filename)
    if virtual:
        return _shortened(explorer.run_virtual(modules, scenario).to_json())
    if replay is not None:
        return _shortened(explorer.replay(modules, scenario, dict(replay)).to_json())
    patience = min(3.0, budget / 3)
    found = explorer.explore(modules, scenario, schedules=schedules, seed=seed, budget=budget, patience=patience)
    return _shortened(found.to_json())


def _shortened(found: dict[str, Any]) -> dict[str, Any]:
    """With few enough events to travel."""
    for holder in (found, found.get("failure") or {}):
        events = holder.get("events") or []
        if len(events) > FIRST + LAST:
            holder["events"] = events[:FIRST] + events[-LAST:]
    return found
