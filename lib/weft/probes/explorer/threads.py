"""Threads under the scheduler: how they start, end, and are waited for."""

from __future__ import annotations

import _thread
import threading
import traceback
from collections.abc import Callable
from typing import Any

from weft.probes.explorer.outcome import EXCEPTION, INVARIANT, Failure
from weft.probes.explorer.places import Place
from weft.probes.explorer.races import merge
from weft.probes.explorer.scheduler import Scheduler
from weft.probes.explorer.strands import BY_IDENT, Stop, Strand, me
from weft.probes.explorer.tracing import Tracing

real_start = threading.Thread.start
real_join = threading.Thread.join
real_is_alive = threading.Thread.is_alive
real_start_new_thread = _thread.start_new_thread
_real_excepthook = threading.excepthook


class Threads:
    """The replacements of one run."""

    def __init__(self, scheduler: Scheduler, tracing: Tracing) -> None:
        self.scheduler, self.tracing = scheduler, tracing
        self.strands: dict[int, Strand] = {}  # by the id of the Thread, which each strand keeps alive
        self.main: threading.Thread | None = None

    def replacements(self) -> list[tuple[Any, str, Any]]:
        """What to put where: (owner, name, value)."""
        table: list[tuple[Any, str, Any]] = [
            (threading.Thread, "start", lambda thread: self.start(thread)),
            (threading.Thread, "join", lambda thread, timeout=None: self.join(thread, timeout)),
            (threading.Thread, "is_alive", lambda thread: self.is_alive(thread)),
            (threading, "enumerate", self.enumerate),
            (threading, "active_count", lambda: len(self.enumerate())),
            (_thread, "start_new_thread", self.start_new_thread),
            (_thread, "start_new", self.start_new_thread),
        ]
        return table

    def start(self, thread: threading.Thread) -> None:
        parent = me()
        if parent is None or parent.scheduler is not self.scheduler:
            real_start(thread)
            return
        if not getattr(thread, "_initialized", False):
            raise RuntimeError("thread.__init__() not called")
        if id(thread) in self.strands:
            raise RuntimeError("threads can only be started once")
        self.scheduler.point(parent)  # also lets a run that is over end here, before one more thread is made
        strand = self._adopt(parent, thread.name.split(" (")[0], thread.daemon)
        strand.thread = thread
        self.strands[id(thread)] = strand
        run, daemon = thread.run, thread.daemon
        vars(thread)["run"] = lambda: self.work(strand, run)
        self._really_start(parent, thread, daemon)
        self.scheduler.point(parent)

    def _really_start(self, parent: Strand, thread: threading.Thread, daemon: bool) -> None:
        parent.bypass = True  # what the interpreter does to start a thread needs real locks
        try:
            thread._started = threading.Event()  # type: ignore[attr-defined]
            thread._daemonic = True  # type: ignore[attr-defined]  # if it gets stuck, it must not keep the process
            real_start(thread)
        except BaseException:
            self._forget(self.strands.pop(id(thread)))
            raise
        finally:
            thread._daemonic = daemon  # type: ignore[attr-defined]
            parent.bypass = False

    def start_new_thread(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Any = None) -> int:
        """``_thread.start_new_thread``: such a thread counts as a daemon, for nobody waits for it."""
        parent = me()
        if parent is None or parent.scheduler is not self.scheduler:
            return real_start_new_thread(function, args, kwargs or {})
        strand = self._adopt(parent, getattr(function, "__name__", "thread"), True)
        try:
            ident = real_start_new_thread(lambda: self.work(strand, lambda: function(*args, **(kwargs or {}))), ())
        except BaseException:
            self._forget(strand)
            raise
        self.scheduler.point(parent)
        return ident

    def _adopt(self, parent: Strand, name: str, daemon: bool) -> Strand:
        strand = self.scheduler.adopt(name, daemon)
        if self.scheduler.recorder:
            self.scheduler.recorder.note(parent, "start", strand.name)
        return strand

    @staticmethod
    def _forget(strand: Strand) -> None:
        strand.done = True
        strand.gone.release()

    def work(self, strand: Strand, run: Callable[[], object]) -> None:
        """All that a controlled thread does, from its first turn to its last."""
        try:
            try:
                self.scheduler.begin(strand)
                if strand.thread is not None:
                    vars(strand.thread).pop("run", None)
                with self.tracing.in_thread():
                    run()
            except (Stop, SystemExit):
                pass
            except BaseException as error:
                self._uncaught(strand, error)
            self.scheduler.end(strand)
        except Stop:
            pass
        finally:
            strand.done = True
            BY_IDENT.pop(strand.ident, None)
            strand.gone.release()

    def _uncaught(self, strand: Strand, error: BaseException) -> None:
        hook = threading.excepthook
        if hook is _real_excepthook:
            fail_with(self.scheduler, strand, error)
        else:  # the answer catches what its threads do not
            hook(threading.ExceptHookArgs((type(error), error, error.__traceback__, strand.thread)))

    def join(self, thread: threading.Thread, timeout: float | None) -> None:
        strand, caller = self.strands.get(id(thread)), me()
        if caller is None:
            real_join(thread, timeout)
            return
        if strand is None:
            if thread is self.main:
                raise RuntimeError("cannot join current thread")
            real_join(thread, timeout)  # never started, or not ours: it says so itself
            return
        if strand is caller:
            raise RuntimeError("cannot join current thread")
        self.scheduler.point(caller)
        seconds = None if timeout is None else max(timeout, 0)
        if strand.done or self.scheduler.block(caller, lambda: strand.done, ("join", strand), seconds):
            merge(caller.clock, strand.clock)

    def is_alive(self, thread: threading.Thread) -> bool:
        strand, caller = self.strands.get(id(thread)), me()
        if strand is None:
            return real_is_alive(thread)
        if caller is not None:
            self.scheduler.point(caller)
            if strand.done:
                merge(caller.clock, strand.clock)
        return not strand.done

    def enumerate(self) -> list[threading.Thread]:
        """The threads of the run, as if it were alone in its process."""
        return [one.thread for one in self.scheduler.strands if one.thread is not None and not one.done]


def fail_with(scheduler: Scheduler, strand: Strand, error: BaseException) -> None:
    """Fail the run with an error that nobody caught. An assertion of the scenario's own is a failed invariant."""
    places = [
        Place(summary.filename, summary.lineno or 0)
        for summary in traceback.extract_tb(error.__traceback__)
        if summary.filename in scheduler.files
    ]
    last = next((summary.filename for summary in reversed(traceback.extract_tb(error.__traceback__))), "")
    invariant = isinstance(error, AssertionError) and last not in scheduler.answer_files
    text = _text(error)
    lines = [f"{place}  {place.source}" for place in places]
    where = f" in {strand.name} at {places[-1]}" if places else f" in {strand.name}"
    message = (text or "The scenario's assertion failed.") if invariant else f"{type(error).__name__}{where}: {text}"
    kind = INVARIANT if invariant else EXCEPTION
    failure = Failure(kind, message, strand.name, {}, traceback=lines, error=type(error).__name__)
    scheduler.fail(failure, places[-1] if places else None)


def _text(error: BaseException) -> str:
    try:
        return str(error)[:1000]
    except Exception:
        return ""
