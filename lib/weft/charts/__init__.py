"""A trace in, a matplotlib figure out."""

from weft.charts.queue_depth import queue_depth
from weft.charts.queue_latency import queue_latency
from weft.charts.swimlane import swimlane
from weft.charts.throughput import throughput

__all__ = ["queue_depth", "queue_latency", "swimlane", "throughput"]
