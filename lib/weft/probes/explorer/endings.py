"""How a run ends: it comes to its end, fails, or is given up; then all its threads are made to end too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.probes.explorer.outcome import Failure
from weft.probes.explorer.strands import Stop, Strand, real_lock

if TYPE_CHECKING:
    from weft.probes.explorer.places import Place
    from weft.probes.explorer.recorder import Recorder


class Ending:
    """``over`` is why the run ended: "" while it goes on. ``finished`` is a real lock, free when it is over."""

    def __init__(self) -> None:
        self.strands: list[Strand] = []
        self.mutex, self.finished = real_lock(), real_lock()
        self.finished.acquire()
        self.over = self.reason = ""
        self.failure: Failure | None = None
        self.notes: list[str] = []
        self.recorder: Recorder | None = None

    def note(self, sentence: str) -> None:
        """Something that the reader of the outcome should know."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def fail(self, failure: Failure, place: Place | None = None) -> None:
        """The run has failed, in the line ``place``; the first failure counts."""
        with self.mutex:
            if self.over:
                return
            self.failure = failure
        if self.recorder:
            self.recorder.failed(failure, place)
        self.stop("failed")

    def give_up(self, reason: str) -> None:
        """The run cannot be judged."""
        with self.mutex:
            if not self.over:
                self.reason = reason
        self.stop("gave up")

    def stop(self, why: str) -> None:
        """Wake everybody, so that they end."""
        with self.mutex:
            if self.over:
                return
            self.over = why
            for strand in self.strands:
                if strand.gate.locked():
                    strand.gate.release()
        self.finished.release()

    def leave(self, strand: Strand) -> None:
        """Raise :class:`Stop` in its thread."""
        raise Stop
