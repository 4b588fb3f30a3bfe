"""Inside an answer's process: an async drive on a loop that is watched, or that is cancelled at each of its awaits."""

from __future__ import annotations

import math
from typing import Any

from weft.answer.looped import drive_of
from weft.answer.messages import Request


def run(
    request: Request, modules: str, *, sweep: bool, limit: int = 60, cpu_limit: float | None = None
) -> dict[str, Any]:
    """The JSON of a Sweep, of at most ``limit`` cancelled runs, or else of a Hygiene.

    ``modules`` is the folder of answer modules: only its lines are looked at. ``cpu_limit`` in seconds of one step,
    which depends on the machine; None does not look.
    """
    from weft.probes.async_hygiene import watched
    from weft.probes.cancellation import sweep as swept

    drive = drive_of(request)
    if sweep:
        return swept(drive, limit=limit, files=[modules]).to_json()
    return watched(drive, cpu_limit=math.inf if cpu_limit is None else cpu_limit, files=[modules]).to_json()
