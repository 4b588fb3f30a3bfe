"""No weights: a short list of rules, asked in turn, each as sure as it has been right so far."""

from collections.abc import Iterable

from evidence import Evidence

MODELS = ("threads", "processes", "asyncio", "to_thread", "serial")

#: Below so many seconds a worker costs more than it brings.
WORTH_A_WORKER = 0.015


def contributions(evidence: Iterable[Evidence]) -> dict[str, dict[str, float]]:
    """The seconds that each rule looks at."""
    times = seconds(evidence)
    return {
        "to_thread": {"block": times["block"]},
        "asyncio": {"await": times["await"]},
        "serial": {"depend": times["depend"], "once": times["once"]},
        "threads": {"wait": times["wait"], "free": times["free"]},
        "processes": {"compute": times["compute"]},
    }


def seconds(evidence: Iterable[Evidence]) -> dict[str, float]:
    """All seconds of each kind."""
    times = dict.fromkeys(("block", "await", "depend", "once", "wait", "free", "compute", "share"), 0.0)
    for each in evidence:
        times[each.kind] += each.seconds
    return times


def decide(times: dict[str, float]) -> tuple[str, float]:
    """The first rule that holds, and how sure it is."""
    spread = times["wait"] + times["free"]
    together = spread + times["compute"]
    clear = max(spread, times["compute"]) / together if together else 1.0
    if times["block"]:
        return "to_thread", 0.97
    if times["await"] > together:
        return "asyncio", 0.95
    if together < WORTH_A_WORKER or times["depend"] > together:
        return "serial", 0.9
    if spread >= times["compute"]:
        return "threads", 0.95 * clear
    return "processes", 0.92 * clear


def score(evidence: Iterable[Evidence]) -> dict[str, float]:
    """The rule's model gets its confidence, the others share the rest."""
    model, sure = decide(seconds(evidence))
    return {each: sure if each == model else (1 - sure) / 4 for each in MODELS}
