"""Live views: they follow the work, end with it, and survive whatever goes wrong in it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable

import pytest
from rich.console import Console

from weft.notebook import dashboard, terminal
from weft.notebook.dashboard import Dashboard, View
from weft.notebook.terminal import render, run_in_terminal
from weft.notebook.view import chosen_bars

SOON = 10.0


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < end, "it never became true"
        time.sleep(0.01)


def button(live: Dashboard, name: str) -> None:
    [found] = [each for each in live.children[-1].children if each.description == name]
    found.click()


def test_bars_under_way_come_first_and_the_rest_is_summed() -> None:
    shares = {f"done-{n}": 1.0 for n in range(10)} | {f"wait-{n}": 0.0 for n in range(10)} | {"a": 0.5, "b": 0.1}
    bars, rest = chosen_bars(View(bars={name: (share, "") for name, share in shares.items()}))
    assert [bar.name for bar in bars[:3]] == ["a", "b", "wait-0"]
    assert len(bars) == 12
    assert rest == "and 10 more: 10 done"
    assert chosen_bars(View(bars={"a": (7.0, ""), "b": (-1.0, "")}))[0][0].share == 0.0


def test_it_returns_at_once_follows_the_work_and_ends_with_it() -> None:
    go, seen = threading.Event(), {"n": 0}
    live = dashboard.run(lambda: go.wait(SOON), lambda: View({"seen": str(seen["n"])}), {})
    assert not go.is_set()
    seen["n"] = 41
    until(lambda: "<dd>41</dd>" in live.text)
    go.set()
    assert live.wait(SOON) is True
    assert re.search(r"Ended after \d+\.\d s\.", live.text)
    until(lambda: "dashboard" not in [thread.name for thread in threading.enumerate()])


def test_buttons_call_their_actions_until_the_end() -> None:
    stopped = threading.Event()
    live = dashboard.run(lambda: stopped.wait(SOON), View, {"Pause": lambda: None, "Stop": stopped.set})
    button(live, "Stop")
    assert live.wait(SOON) is True
    assert all(each.disabled for each in live.children[-1].children)


def test_an_error_of_the_work_is_one_row() -> None:
    def fail() -> None:
        raise ValueError("<b>no</b>")

    live = dashboard.run(fail, lambda: View({"done": "3"}), {})
    with pytest.raises(ValueError):
        live.wait(SOON)
    assert '<p class="error">ValueError: &lt;b&gt;no&lt;/b&gt;</p>' in live.text
    assert "<dd>3</dd>" in live.text, "the last figures stay"


def test_a_view_that_cannot_be_read_does_not_stop_the_work() -> None:
    go = threading.Event()

    def read() -> View:
        raise KeyError("speed")

    live = dashboard.run(lambda: go.wait(SOON), read, {})
    assert "could not be read. KeyError" in live.text
    go.set()
    assert live.wait(SOON) is True


def test_an_action_that_fails_is_shown() -> None:
    go = threading.Event()
    live = dashboard.run(lambda: go.wait(SOON), View, {"Pause": lambda: 1 / 0})  # type: ignore[dict-item, return-value]
    button(live, "Pause")
    until(lambda: "Pause: ZeroDivisionError" in live.text)
    go.set()
    live.wait(SOON)


def test_bars_can_be_heard_and_are_escaped() -> None:
    live = dashboard.run(lambda: None, lambda: View(bars={"<a>": (0.25, "25 kB")}), {})
    live.wait(SOON)
    assert 'role="progressbar" aria-label="&lt;a&gt;"' in live.text
    assert 'aria-valuenow="25" aria-valuetext="25 kB"' in live.text


def test_waiting_has_a_limit() -> None:
    go = threading.Event()
    live = dashboard.run(lambda: go.wait(SOON), View, {})
    with pytest.raises(TimeoutError):
        live.wait(0.01)
    go.set()
    live.wait(SOON)
    with pytest.raises(RuntimeError):
        Dashboard(View, {}).wait()


def plain() -> Console:
    return Console(width=100, force_terminal=False, color_system=None, record=True, file=open("/dev/null", "w"))


def test_the_terminal_shows_the_same_and_returns_the_result() -> None:
    console = plain()
    view = View({"done": "3"}, {f"file-{n}": (n / 20, f"{n} kB") for n in range(20)})
    assert run_in_terminal(lambda: "result", lambda: view, console=console) == "result"
    console.print(render(view))
    text = console.export_text()
    assert "done 3" in text and "5 kB" in text and "and 8 more: 7 under way, 1 waiting" in text


def test_the_terminal_raises_what_the_work_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        run_in_terminal(lambda: 1 / 0, View, console=plain())


@pytest.mark.parametrize("with_stop", [True, False])
def test_ctrl_c_stops_the_work(with_stop: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped, looks = threading.Event(), []

    def interrupted_once() -> View:
        looks.append(1)
        if len(looks) == 2:
            raise KeyboardInterrupt
        return View()

    monkeypatch.setattr(terminal, "INTERVAL", 0.01)
    actions = {"Stop": stopped.set} if with_stop else {}
    if with_stop:
        assert run_in_terminal(lambda: stopped.wait(SOON), interrupted_once, actions, plain()) is True
    else:
        with pytest.raises(KeyboardInterrupt):
            run_in_terminal(lambda: stopped.wait(SOON), interrupted_once, actions, plain())
        stopped.set()
