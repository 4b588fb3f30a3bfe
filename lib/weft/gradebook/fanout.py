"""Judge many submissions at once, on this machine or on a Dask cluster."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from weft.answer.lift import Lifted
from weft.gradebook.books import BooksError
from weft.gradebook.judging import judge
from weft.gradebook.store import package_digest
from weft.judge.verdicts import Judgement, Verdict

#: Keeps a judgement under its key.
Keep = Callable[[str, Judgement], None]


class Stopped(BaseException):
    """The run was ended; judges that are at work stop after their present check."""


def judge_all(
    jobs: Mapping[str, Lifted],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    keep: Keep = lambda key, judgement: None,
) -> Generator[tuple[str, Judgement], None, None]:
    """Judge every job; yields its key and judgement as each is done.

    ``workers`` judges are at work at once (one for each core, unless said). ``scheduler`` is the address of a Dask
    scheduler, for example ``tcp://grader:8786``, whose workers judge instead. ``keep`` is called with each judgement as
    soon as it is there, in any thread: before it is yielded, and also if it never is, because the run was ended.
    Raises BooksError if there is no Dask.
    """
    return _on_cluster(jobs, scheduler, keep) if scheduler and jobs else _here(jobs, workers or cores(), keep)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _here(jobs: Mapping[str, Lifted], workers: int, keep: Keep) -> Generator[tuple[str, Judgement], None, None]:
    """Each judge is a process of its own already, so a thread that waits for it is all that it needs here."""
    over = threading.Event()

    def watch(verdict: Verdict) -> None:
        if over.is_set():
            raise Stopped

    def judge_and_keep(key: str, lifted: Lifted) -> Judgement:
        judgement = judge(lifted, watch)
        keep(key, judgement)
        return judgement

    with ThreadPoolExecutor(workers, thread_name_prefix="weft-judge") as pool:
        futures = {pool.submit(judge_and_keep, key, lifted): key for key, lifted in jobs.items()}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            over.set()
            pool.shutdown(wait=False, cancel_futures=True)


def _on_cluster(jobs: Mapping[str, Lifted], scheduler: str, keep: Keep) -> Generator[tuple[str, Judgement], None, None]:
    try:
        from distributed import Client
        from distributed import as_completed as done
    except ImportError:
        raise BooksError(
            "Grading on a cluster needs Dask, here and on every worker. Install it with: pip install 'weft[cluster]'"
        ) from None
    with Client(scheduler, timeout=20) as client:
        futures = {client.submit(judge_there, lifted, key=f"weft-judge-{key}"): key for key, lifted in jobs.items()}
        for future in done(futures):
            key, judgement = futures[future], _from_cluster(future)
            keep(key, judgement)
            yield key, judgement


def judge_there(lifted: Lifted) -> tuple[str, str]:
    """What a worker of the cluster does: its weft's digest, and the judgement as JSON."""
    return package_digest(), judge(lifted).to_json()


def _from_cluster(future: Any) -> Judgement:
    """A worker that is lost or runs another weft costs nobody points: the submission is judged again next time."""
    if future.exception() is not None:
        return Judgement(notes=[f"The cluster lost this submission: {future.exception()}"[:500]])
    digest, text = future.result()
    if digest != package_digest():
        return Judgement(notes=["A worker of the cluster runs another version of weft than this machine."])
    return Judgement.from_json(text)
