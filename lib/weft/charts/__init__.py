"""A trace in, a matplotlib figure out."""

from weft.charts.advised import code_marks, score_bars
from weft.charts.calibration import calibration
from weft.charts.chat_traffic import chat_latency, chat_traffic
from weft.charts.choices import choices
from weft.charts.density import density
from weft.charts.gantt import gantt
from weft.charts.gil_timeline import gil_timeline
from weft.charts.memory import blocks_and_pressure, memory_by_model
from weft.charts.models import models
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
    "blocks_and_pressure",
    "calibration",
    "chat_latency",
    "chat_traffic",
    "choices",
    "code_marks",
    "density",
    "dropped_rows",
    "gantt",
    "gil_timeline",
    "memory_by_model",
    "models",
    "queue_depth",
    "queue_latency",
    "rates",
    "rows_per_second",
    "scaling",
    "score_bars",
    "stages",
    "swimlane",
    "switching",
    "throughput",
    "timeline",
]
