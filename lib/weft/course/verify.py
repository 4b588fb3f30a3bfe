"""Prove a challenge: judge reference, stub, mutants and alternatives, and look at what must hold besides.

A mutant is judged by the checks of the criterion that it names: whether it loses there is what has to be proved, and
judging it by all others would take several times as long. Checks that no mutant failed in this way are then tried with
the mutants of other criteria, until one fails them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path

from weft.answer.lift import CheckCell, Lifted
from weft.course.invariants import coverage_faults, invariants
from weft.course.variants import Variant, variants
from weft.gradebook.fanout import Stopped
from weft.gradebook.store import JudgementStore, key_of
from weft.judge import session
from weft.judge.verdicts import Judgement, Outcome, format_points
from weft.layout import Challenge, Course

#: Not the gradebook's store: what is judged here is ours, and judged without the sandbox.
STORE = Path(".weft") / "verified"

#: What an alternative must earn, and how long the reference's checks may take, in seconds.
ENOUGH, VISIBLE_SECONDS, ALL_SECONDS = 95.0, 10.0, 25.0


@dataclass(slots=True)
class Proof:
    """One variant's judgement, and in ``fault`` why it is not what it should be (empty if it is)."""

    variant: Variant
    judgement: Judgement
    fault: str = ""

    @property
    def lost(self) -> dict[str, list[str]]:
        """The names of the checks that gave no points, by criterion."""
        lost: dict[str, list[str]] = {}
        for verdict in self.judgement.verdicts:
            if verdict.outcome is not Outcome.PASS:
                lost.setdefault(verdict.criterion, []).append(verdict.check)
        return lost


@dataclass(slots=True)
class Report:
    """What verifying found. ``invariants`` maps what must hold to what speaks against it; the seconds are the
    reference's."""

    challenge: str
    proofs: list[Proof] = field(default_factory=list)
    invariants: dict[str, list[str]] = field(default_factory=dict)
    unproved: list[str] = field(default_factory=list)
    strict: bool = False
    visible_seconds: float = 0.0
    all_seconds: float = 0.0

    @property
    def broken(self) -> bool:
        """Whether a judgement broke, so that nothing is proved by it."""
        return any(proof.judgement.broken for proof in self.proofs)

    @property
    def faults(self) -> list[str]:
        """Everything that is wrong, in sentences. Checks that no mutant fails count if ``strict``."""
        faults = [fault for found in self.invariants.values() for fault in found]
        faults += [proof.fault for proof in self.proofs if proof.fault]
        return faults + ([f"No mutant fails {check}." for check in self.unproved] if self.strict else [])

    @property
    def slow(self) -> list[str]:
        """Where the reference's checks took longer than they should, in sentences: measured, so noted and no fault."""
        rows = (
            ("Visible checks", self.visible_seconds, VISIBLE_SECONDS),
            ("All checks", self.all_seconds, ALL_SECONDS),
        )
        return [f"{name} took {took:.1f} s; the aim is {aim:g} s." for name, took, aim in rows if took > aim]


def verify(
    course: Course,
    challenge: Challenge,
    *,
    workers: int = 1,
    strict: bool = False,
    force: bool = False,
    report: Callable[[Proof, int, int], None] = lambda proof, done, total: None,
) -> Report:
    """Prove one challenge. ``report`` is called with each proof, how many are done, and of how many.

    ``workers`` judges run side by side; more than one disturb each other's performance checks. What has not changed is
    not judged again, unless ``force``. Raises LayoutError, BooksError or VariantError if it cannot be proved at all.
    """
    everything = [_narrowed(variant) for variant in variants(challenge)]
    found = Report(challenge.id, strict=strict)
    found.invariants = invariants(course, challenge) | {"mutants and alternatives": coverage_faults(everything)}
    store = JudgementStore(course.root / STORE)
    proofs: dict[str, Proof] = {}
    for variant, judgement in _judged(everything, store, workers, force):
        proofs[f"{variant.kind} {variant.name}"] = proof = prove(variant, judgement)
        report(proof, len(proofs), len(everything))
    found.proofs = [proofs[f"{variant.kind} {variant.name}"] for variant in everything]
    found.unproved = _unproved(found.proofs, everything, store, force)
    reference = found.proofs[0].judgement
    found.visible_seconds = sum(verdict.seconds for verdict in reference.verdicts if not verdict.hidden)
    found.all_seconds = reference.seconds
    return found


def prove(variant: Variant, judgement: Judgement) -> Proof:
    """Say whether a variant's judgement is what it should be."""
    proof = Proof(variant, judgement)
    name, earned = f"{variant.kind.capitalize()} {variant.name}", judgement.earned
    broken = [verdict.check for verdict in judgement.verdicts if verdict.outcome is Outcome.BROKEN]
    said = f"{name} earns {format_points(earned)} of {format_points(judgement.possible)} points"
    if broken:
        proof.fault = f"{name} could not be judged: {', '.join(broken)} broke."
    elif variant.kind == "mutant":
        lost_there = _earned_less(judgement, variant.loses)
        proof.fault = "" if lost_there else f"{name} loses nothing in {variant.loses}: {variant.mistake}"
    elif variant.kind == "stub":
        proof.fault = "" if earned == 0 else f"{said} and should earn none."
    else:
        wanted = 100.0 if variant.kind == "reference" else ENOUGH
        proof.fault = "" if earned >= wanted else f"{said} and should earn {wanted:g}: {_why(proof)}."
    return proof


def _earned_less(judgement: Judgement, criterion: str) -> bool:
    earned, possible = judgement.by_criterion()[criterion]
    return earned < possible


def _why(proof: Proof) -> str:
    return ", ".join(check for checks in proof.lost.values() for check in checks) or "the points do not sum to it"


def _narrowed(variant: Variant) -> Variant:
    """A mutant with the check cells of the criterion that it names; any other variant as it is."""
    if variant.kind != "mutant":
        return variant
    return _with_cells(variant, [cell for cell in variant.lifted.cells if cell.criterion == variant.loses])


def _with_cells(variant: Variant, cells: list[CheckCell]) -> Variant:
    return replace(variant, lifted=replace(variant.lifted, cells=cells))


def _unproved(proofs: list[Proof], everything: list[Variant], store: JudgementStore, force: bool) -> list[str]:
    """Checks worth points that no mutant fails: nobody knows whether they can fail at all."""
    mutants = [variant for variant in everything if variant.kind == "mutant"]
    failed = {check for proof in proofs if proof.variant.kind == "mutant" for check in _failed(proof.judgement)}
    worth = [verdict for verdict in proofs[0].judgement.verdicts if verdict.points]
    for cell in everything[0].lifted.cells:
        others = [_with_cells(variant, [cell]) for variant in mutants if variant.loses != cell.criterion]
        open_here = {verdict.check for verdict in worth if verdict.cell == cell.name}
        for _, judgement in _judged(others, store, 1, force) if open_here - failed else ():
            failed |= _failed(judgement)
            if open_here <= failed:
                break
    return [verdict.check for verdict in worth if verdict.check not in failed]


def _failed(judgement: Judgement) -> set[str]:
    return {verdict.check for verdict in judgement.verdicts if verdict.outcome is Outcome.FAIL}


def _judged(
    everything: list[Variant], store: JudgementStore, workers: int, force: bool
) -> Iterator[tuple[Variant, Judgement]]:
    """Each variant with its judgement, as they come: first those in the store, then those that have to be judged."""
    waiting = []
    for variant in everything:
        known = None if force else store.get(key_of(variant.lifted))
        if known is None:
            waiting.append(variant)
        else:
            yield variant, known
    over = threading.Event()

    def judge(lifted: Lifted) -> Judgement:
        judgement = session.judge(lifted, report=lambda verdict: _stop_if(over))
        store.put(key_of(lifted), judgement)
        return judgement

    if workers == 1:  # in this thread, where an interrupt ends the judge at once
        yield from ((variant, judge(variant.lifted)) for variant in waiting)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="weft-verify") as pool:
        futures = {pool.submit(judge, variant.lifted): variant for variant in waiting}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            over.set()
            pool.shutdown(wait=False, cancel_futures=True)


def _stop_if(over: threading.Event) -> None:
    """End a judge that nobody waits for any more, after its present check."""
    if over.is_set():
        raise Stopped
