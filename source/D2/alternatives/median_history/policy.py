"""History as the last samples of each model; their median decides. The state of a kind is in plain dictionaries."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

SURPRISE = 2.0


@dataclass
class Record:
    """The last samples by model, what is in force, slices since then, and the surprises on end."""

    samples: dict[str, list[float]] = field(default_factory=dict)
    in_force: str = ""
    settled: int = 0
    odd: list[float] = field(default_factory=list)

    @property
    def costs(self) -> dict[str, float]:
        """The median of each model's samples."""
        return {model: statistics.median(values) for model, values in self.samples.items()}


class Policy:
    """Medians of the last samples instead of a weighted average; ``memory`` says how many of them there are."""

    def __init__(self, models: Sequence[str], *, gain: float = 1.25, dwell: int = 3, memory: float = 0.5) -> None:
        self.models = tuple(models)
        self.gain, self.dwell = gain, dwell
        self._kept = max(1, round(2 / memory) - 1)
        self.kinds: dict[str, Record] = {}

    def choose(self, kind: str) -> str:
        """The first model without a sample, else the one in force."""
        record = self.kinds.setdefault(kind, Record())
        for model in self.models:
            if model not in record.samples:
                return model
        return record.in_force

    def learn(self, kind: str, model: str, cost: float) -> None:
        """Keep the sample, unless it is odd; odd ones on end begin a new history."""
        record = self.kinds.setdefault(kind, Record())
        if model == record.in_force:
            record.settled += 1
        expected = record.costs.get(model, cost)
        if expected / SURPRISE <= cost <= expected * SURPRISE:
            record.odd.clear()
            record.samples[model] = [*record.samples.get(model, []), cost][-self._kept :]
        else:
            record.odd.append(cost)
            if len(record.odd) >= self.dwell:
                record.samples = {model: [cost]}
                record.odd.clear()
        self._settle(record)

    def _settle(self, record: Record) -> None:
        costs = record.costs
        if costs.keys() < set(self.models):
            return
        cheapest = sorted(self.models, key=lambda model: costs[model])[0]
        if not record.in_force:
            record.in_force, record.settled = cheapest, 0
            return
        worth_it = costs[record.in_force] / self.gain >= costs[cheapest]
        if cheapest != record.in_force and worth_it and record.settled >= self.dwell:
            record.in_force, record.settled = cheapest, 0

    def margin(self, kind: str) -> float:
        """The next best model's cost over that of the one in force."""
        record = self.kinds.get(kind)
        if record is None or record.in_force not in record.samples or len(record.samples) < 2:
            return 1.0
        costs = record.costs
        own = costs.pop(record.in_force)
        return min(costs.values()) / max(own, 1e-9)
