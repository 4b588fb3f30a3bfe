"""A trace in, a matplotlib figure out."""

from weft.charts.chat_traffic import chat_latency, chat_traffic
from weft.charts.choices import choices
from weft.charts.density import density
from weft.charts.gantt import gantt
from weft.charts.queue_depth import queue_depth
from weft.charts.queue_latency import queue_latency
from weft.charts.rates import rates
from weft.charts.rows import dropped_rows, rows_per_second
from weft.charts.scaling import scaling
from weft.charts.stages import stages
from weft.charts.swimlane import swimlane
from weft.charts.switching import switching
from weft.charts.throughput import throughput
from weft.charts.timeline import timeline

__all__ = [
    "chat_latency",
    "chat_traffic",
    "choices",
    "density",
    "dropped_rows",
    "gantt",
    "queue_depth",
    "queue_latency",
    "rates",
    "rows_per_second",
    "scaling",
    "stages",
    "swimlane",
    "switching",
    "throughput",
    "timeline",
]
