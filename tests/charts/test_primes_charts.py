"""Density of primes, and what more workers buy."""

from __future__ import annotations

import math

import pytest

from weft.charts import density, scaling
from weft.charts.density import describe as describe_density
from weft.charts.density import shares
from weft.charts.scaling import describe, speedups


def test_shares_leave_out_what_is_not_counted_yet() -> None:
    segments = [(0, 10), (10, 20), (20, 22)]
    assert shares(segments[:2], [4, 4]) == [0.4, 0.4]
    assert math.isnan(shares(segments[:1], [-1])[0])
    assert describe_density(segments, [4, 2, -1]) == "One number in 2.5 is prime at the start, one in 5.0 at the end"
    assert describe_density(segments, [-1, -1, 0]) == "No prime is counted yet."


def test_the_line_is_what_the_theorem_expects() -> None:
    (axes,) = density([(0, 1_000_000), (1_000_000, 2_000_000)], [78_498, 70_435]).axes
    expected = next(line for line in axes.lines if line.get_label() == "1 / ln x").get_ydata()
    assert expected[1] == pytest.approx(1 / math.log(1_500_000))


def test_speedups_are_against_one_worker() -> None:
    assert speedups({1: 4.0, 2: 2.0, 4: 1.6}) == {1: 1.0, 2: 2.0, 4: 2.5}
    assert speedups({2: 2.0, 4: 1.6}) == {2: 2.0, 4: 2.5}
    assert describe({1: 4.0, 4: 1.6}) == "4 workers: 2.5 times as fast as one, 1.60 s"
    assert describe({}) == "No run yet."


def test_the_ideal_and_the_cores_are_drawn() -> None:
    (axes,) = scaling({1: 4.0, 4: 1.6}, cores=2).axes
    assert {line.get_label() for line in axes.lines} == {"ideal", "measured", "2 cores"}
