"""No model at all: what were the labels of the snippets that look most like this one?"""

import ast
import math
from collections import defaultdict
from collections.abc import Iterable

from evidence import Evidence
from graph import extract

from weft.worlds.snippets import open_world

MODELS = ("threads", "processes", "asyncio", "to_thread", "serial")
KINDS = ("wait", "free", "compute", "await", "block", "depend", "once")

#: A neighbour at this distance, in powers of ten, has half the vote of one at none; and one vote is spread over all.
NEAR, DOUBT = 0.25, 0.3


def point(evidence: Iterable[Evidence]) -> list[float]:
    """One coordinate for each model's seconds, one for what is too little to spread; blocks count most."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for each in evidence:
        seconds[each.kind] += each.seconds
    spread = [seconds["wait"] + seconds["free"], seconds["compute"], seconds["await"], seconds["depend"]]
    place = [math.log10(1 + each / 1e-3) for each in spread]
    top = max(place)
    # Only what leads matters, and by how much.
    leads = [max(0.0, each - top + 2) for each in place]
    return [*leads, 8.0 * (seconds["block"] > 0), 4.0 * (max(place[:3]) < 1.15)]


def remember() -> list[tuple[list[float], str]]:
    """Where the learners' snippets are, with their labels."""
    with open_world() as world:
        return [(point(extract(ast.parse(each.source))), each.model) for each in world.all]


KNOWN = remember()


def contributions(evidence: Iterable[Evidence]) -> dict[str, dict[str, float]]:
    """The votes for each model."""
    return {model: {"votes": votes} for model, votes in vote(point(evidence)).items()}


def vote(place: list[float]) -> dict[str, float]:
    """Votes of all known snippets, the nearer the more."""
    votes = dict.fromkeys(MODELS, DOUBT / len(MODELS))
    for known, model in KNOWN:
        votes[model] += 2 ** -((math.dist(place, known) / NEAR) ** 2)
    return votes


def score(evidence: Iterable[Evidence]) -> dict[str, float]:
    """Each model's share of the votes."""
    votes = vote(point(evidence))
    whole = sum(votes.values())
    return {model: votes[model] / whole for model in MODELS}
