"""The charts of memory, as numbers, a sentence and a picture."""

from __future__ import annotations

from weft.charts import blocks_and_pressure, memory_by_model
from weft.charts.memory import MIB, describe_blocks, describe_memory

RUNS = {
    "serial": [(0.0, 10 * MIB, 1), (0.1, 14 * MIB, 1), (0.2, 12 * MIB, 1)],
    "processes": [(0.0, 10 * MIB, 1), (0.1, 40 * MIB, 3)],
}


def test_the_sentence_names_the_hungriest_and_who_is_above() -> None:
    assert describe_memory(RUNS, 16 * MIB) == "processes needs most, 30 MiB at its peak; processes above the limit"
    assert describe_memory(RUNS, 64 * MIB) == "processes needs most, 30 MiB at its peak; all stay within 64 MiB"
    assert describe_memory({}, MIB) == "Nothing was measured yet."


def test_the_picture_has_a_line_for_each_model_and_the_limit() -> None:
    (axes,) = memory_by_model(RUNS, 16 * MIB).axes
    lines = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
    assert lines == {"serial": [0, 4, 2], "processes": [0, 30], "the limit, 16 MiB": [16, 16]}
    assert axes.get_xlabel() == "time / s" and axes.get_ylabel().endswith("/ MiB")
    assert len(axes.get_legend().get_texts()) == 3


def test_blocks_are_drawn_under_their_pressure() -> None:
    history = [(0.2, 65536), (0.9, 32768), (0.9, 16384), (0.3, 16384)]
    assert describe_blocks(history) == "4 blocks of 16 to 64 KiB; the size changed 2 times"
    pressure, size = blocks_and_pressure(history, 0.5, 0.8).axes
    assert list(pressure.lines[0].get_ydata()) == [0.2, 0.9, 0.9, 0.3]
    assert list(size.lines[0].get_ydata()) == [64, 32, 16, 16]
    assert {text.get_text() for text in pressure.get_legend().get_texts()} == {"shrink above", "grow below"}


def test_nothing_is_an_empty_picture() -> None:
    assert memory_by_model({}, MIB).axes[0].get_title(loc="left") == "Nothing was measured yet."
    assert blocks_and_pressure([], 0.5, 0.8).axes[0].get_title(loc="left") == "No block was read yet."
