"""A log source in a process of its own: streams with bursts and poison, a sink that stalls, and a trace of both ends.

Who reads has to ask for each line, and who stores has to wait for the answer. So at every moment the number of records
that a program holds is known here, outside it: those sent less those that have arrived at the sink.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

from weft.trace import Trace
from weft.worlds.errors import WorldError
from weft.worlds.log_plan import LEVELS, Plan

__all__ = ["LEVELS", "LogSource", "held", "open_world"]


class LogSource:
    """The handle to the source's process. Use :func:`open_world`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "weft.worlds.log_service"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._key = ""
        self.plan = Plan()

    def reset(self) -> None:
        """No records, an empty trace; addresses given out before lead nowhere."""
        self._begin(Plan())

    def records(self, number: int, *, streams: int = 3, poison: int = 0, refused: int = 0, seed: int = 0) -> None:
        """Send so many records in each stream. Begins anew, with an empty trace.

        ``poison`` of each stream's are no records; ``refused`` in all are refused by the sink.
        """
        self._begin(
            replace(self.plan, records=number, streams=streams, poison=poison, refused=refused, seed=seed, made={})
        )

    def bursts(self, size: int, pause: float) -> None:
        """Let every stream fall silent for ``pause`` seconds after each ``size`` records. Begins anew."""
        self._begin(replace(self.plan, burst=size, pause=pause))

    def slow_sink(self, seconds: float) -> None:
        """Let the sink need so long for each record. Begins anew."""
        self._begin(replace(self.plan, latency=seconds))

    def stall(self, after: int, seconds: float) -> None:
        """Let the sink fall silent for so long when it has been given ``after`` records. Begins anew."""
        self._begin(replace(self.plan, stall=seconds, stall_after=after))

    @property
    def address(self) -> dict[str, Any]:
        """Where to find it, for :mod:`weft.worlds.log_client`; JSON."""
        return {"port": self._order(do="port"), "key": self._key, "streams": self.plan.streams}

    @property
    def good(self) -> set[str]:
        """The ids that the sink stores if it is given them."""
        return {line.id for line in self.plan.all_lines() if line.level >= 0} - self.plan.refused_ids()

    @property
    def lines(self) -> int:
        """How many lines all streams have together, poison included."""
        return len(self.plan.all_lines())

    @property
    def trace(self) -> Trace:
        """What the source saw since it began.

        ``connect`` and ``disconnect`` with ``stream 0`` or ``sink 1`` as actor; ``emit``, a line was sent, and
        ``arrive``, a record came to the sink (subject: its id, value: its level's number in ``LEVELS``, -1 for poison);
        ``depart``, the sink is done with it (value: 200 stored, 422 refused); ``stall`` (value: seconds).
        """
        return Trace.from_json(self._order(do="trace"))

    @property
    def stored(self) -> list[str]:
        """The ids that the sink has stored, in order."""
        return [event.subject for event in self.trace.of("depart") if event.value == 200]

    def close(self) -> None:
        """End the source."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _begin(self, plan: Plan) -> None:
        self.plan, self._key = plan, secrets.token_hex(8)
        told = asdict(replace(plan, made={}))
        self._order(do="reset", key=self._key, plan=told)

    def _order(self, **order: Any) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())
        except (OSError, ValueError):
            self._process.kill()
            raise WorldError(f"The log source has died. {self._process.communicate()[1][-1000:]}") from None


def held(trace: Trace) -> int:
    """The most records that were ever sent and not yet at the sink; poison does not count."""
    most = now = 0
    for event in trace.of("emit", "arrive"):
        now += 0 if event.value < 0 else 1 if event.kind == "emit" else -1
        most = max(most, now)
    return most


@contextlib.contextmanager
def open_world() -> Iterator[LogSource]:
    """A log source of one's own, as long as the context lasts."""
    source = LogSource()
    try:
        yield source
    finally:
        source.close()
