"""Learned, not set: a logistic regression in numpy, fitted to the learners' snippets when the module is imported."""

import ast
from collections.abc import Iterable, Sequence

import numpy as np
from evidence import Evidence
from graph import extract

from weft.worlds.snippets import open_world

MODELS = ("threads", "processes", "asyncio", "to_thread", "serial")
KINDS = ("wait", "free", "compute", "await", "block", "depend", "once")

#: Steps of gradient descent, their length, and how much large weights are held down.
STEPS, RATE, DECAY = 800, 0.5, 1e-3


def vector(evidence: Iterable[Evidence]) -> np.ndarray:
    """Powers of ten of milliseconds for each kind, whether anything blocks, and a one."""
    seconds = dict.fromkeys(KINDS, 0.0)
    for each in evidence:
        if each.kind in seconds:
            seconds[each.kind] += each.seconds
    logs = np.log10(1 + np.array([seconds[kind] for kind in KINDS]) / 1e-3)
    return np.concatenate([logs, [3.0 * (seconds["block"] > 0), 1.0]])


def shares(weights: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Softmax of each row."""
    points = vectors @ weights
    powers = np.exp(points - points.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def fit(vectors: np.ndarray, labels: Sequence[int]) -> np.ndarray:
    """Weights, kinds × models, by plain gradient descent on the cross-entropy."""
    weights = np.zeros((vectors.shape[1], len(MODELS)))
    wanted = np.eye(len(MODELS))[list(labels)]
    for _ in range(STEPS):
        weights -= RATE * (vectors.T @ (shares(weights, vectors) - wanted) / len(vectors) + DECAY * weights)
    return weights


def learn() -> np.ndarray:
    """Weights from the learners' snippets."""
    with open_world() as world:
        found = [(vector(extract(ast.parse(each.source))), MODELS.index(each.model)) for each in world.all]
    return fit(np.array([features for features, _ in found]), [label for _, label in found])


WEIGHTS = learn()


def contributions(evidence: Iterable[Evidence]) -> dict[str, dict[str, float]]:
    """What each kind adds to each model."""
    parts = vector(evidence)[:, None] * WEIGHTS
    names = (*KINDS, "blocked", "start")
    return {
        model: {kind: float(parts[row, column]) for row, kind in enumerate(names) if parts[row, column] > 0}
        for column, model in enumerate(MODELS)
    }


def score(evidence: Iterable[Evidence]) -> dict[str, float]:
    """How likely each model is."""
    return {model: float(share) for model, share in zip(MODELS, shares(WEIGHTS, vector(evidence)), strict=True)}
