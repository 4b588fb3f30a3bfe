"""A trace in, a matplotlib figure out."""

from weft.charts.swimlane import swimlane
from weft.charts.throughput import throughput

__all__ = ["swimlane", "throughput"]
