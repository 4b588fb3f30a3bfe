"""Charts of a chat: latencies belong to what was said, and the title says what was found."""

from __future__ import annotations

import importlib

import pytest

from weft.charts import chat_latency, chat_traffic
from weft.trace import Event, Trace

module = importlib.import_module("weft.charts.chat_traffic")


def talk() -> Trace:
    events = [Event(10.0, "connect", actor="ann"), Event(10.5, "connect", actor="bob")]
    for number in range(10):
        at = 11.0 + number / 10
        events.append(Event(at, "say", f"m-{number}", "ann"))
        events += [Event(at + 0.01, "hear", f"m-{number}", "ann"), Event(at + 0.03, "hear", f"m-{number}", "bob")]
    return Trace([*events, Event(13.0, "hear", "told", "bob"), Event(14.0, "disconnect", actor="bob", value=1006)])


def test_latency_is_from_saying_to_hearing() -> None:
    found = module.latencies(talk())
    assert len(found) == 20, "What nobody said in this trace has no latency."
    assert found[0] == pytest.approx((1.01, 0.01))
    assert max(seconds for _, seconds in found) == pytest.approx(0.03)


def test_percentiles() -> None:
    assert module.percentile([float(number) for number in range(101)], 95) == pytest.approx(95.0)
    assert module.percentile([0.5], 99) == 0.5
    assert module.percentile([], 99) == 0.0


def test_traffic_is_drawn_with_units() -> None:
    made = chat_traffic(talk())
    labels = [axes.get_ylabel() for axes in made.axes]
    assert labels == ["messages / s", "connections", "latency / ms"]
    assert made.axes[-1].get_xlabel() == "time / s"
    assert made.axes[0].get_title(loc="left") == "2 clients: 10 sent, 21 heard, 99 of 100 within 30 ms"
    (line,) = made.axes[1].get_lines()
    assert max(line.get_ydata()) == 2


def test_latency_against_clients() -> None:
    made = chat_latency({2: [0.001, 0.002], 50: [0.01, 0.04]})
    assert "50 clients: half hear within 25 ms" in made.axes[0].get_title(loc="left")
    assert len(made.axes[0].get_lines()) == 3


def test_nothing_to_draw() -> None:
    assert "nobody heard" in chat_traffic(Trace()).axes[0].get_title(loc="left")
    assert chat_latency({}).axes[0].get_title(loc="left") == "No run yet."
