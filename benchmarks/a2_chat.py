"""A2's reference beside framing by hand and ``websockets.broadcast``: ``python benchmarks/a2_chat.py [seconds]``.

Three things, each in one run: CPU time per delivery in a room of 200; what a client that never reads costs others, and
in memory; and a load held for so many seconds, 60 unless said, in which every message is looked for at everybody who
should have heard it. Framing by hand runs on uvloop too where it is installed (``pip install uvloop``), and says so
where it is not.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from weft.answer.drive import Host
from weft.course.variants import reference
from weft.judge.answer import Answer
from weft.layout import Course
from weft.worlds.chat_fleet import ChatFleet, Record, open_world
from weft.worlds.chat_plan import crowd, disperse, enter, files, look, mark, settled, traffic, volley

PEOPLE, ROUNDS = 200, 5
VOLLEYS = [[f"{part}-{number}" for number in range(50)] for part in "abc"]
LOAD = (crowd(PEOPLE, "hall"), *(step for texts in VOLLEYS for step in (mark(), volley(texts))), mark(), disperse())

ON_UVLOOP = "import uvloop; uvloop.install(); import weft.worlds.chat_yardstick as y, asyncio; asyncio.run(y.main())"

Play = Callable[..., Record]


def cost(record: Record) -> float:
    """Microseconds of CPU for one delivery, of the middle one of three volleys."""
    for name in record.heard:
        assert [text.rstrip("|") for text in record.texts(name)] == [text for texts in VOLLEYS for text in texts]
    took = statistics.median(after - before for before, after in itertools.pairwise(record.marks))
    return took / (PEOPLE * len(VOLLEYS[0])) * 1e6


class OnUvloop:
    """The yardsticks of a fleet, in a process whose loop is uvloop's."""

    def __init__(self, fleet: ChatFleet) -> None:
        self.fleet = fleet
        self.process = subprocess.Popen(
            [sys.executable, "-c", ON_UVLOOP], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.process.stdout.readline()

    def play(self, *steps: Any) -> Record:
        """As ChatFleet.yardstick."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({"kind": "raw", "address": self.fleet.begin(*steps)}) + "\n")
        self.process.stdin.flush()
        self.process.stdout.readline()
        return self.fleet.record()


def per_delivery(fleet: ChatFleet, ours: Play) -> None:
    """Medians, and the reference's ratio within each round."""
    kinds: dict[str, Play] = {
        "reference": ours,
        "websockets.broadcast": fleet.yardstick,
        "framing by hand": lambda *steps: fleet.yardstick(*steps, kind="raw"),
    }
    fast = OnUvloop(fleet) if importlib.util.find_spec("uvloop") else None
    if fast:
        kinds["framing by hand, uvloop"] = fast.play
    else:
        print("uvloop is not installed (pip install uvloop), so it is left out.")
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for number in range(ROUNDS):
        for name in sorted(kinds, reverse=number % 2 == 0):
            found[name].append(cost(kinds[name](*LOAD)))
    if fast:
        fast.process.kill()
        fast.process.wait()
    print(f"CPU per delivery, {PEOPLE} people in one room, {len(VOLLEYS[0])} messages, {ROUNDS} rounds:")
    for name, costs in found.items():
        ratios = [mine / other for mine, other in zip(found["reference"], costs, strict=True)]
        print(f"  {name:26} median {statistics.median(costs):5.2f} µs  reference / it {statistics.median(ratios):5.2f}")


def never_reads(answer: Answer, ours: Play) -> None:
    """Fifty megabytes past a client that reads, and past one that does not."""
    for who, reads in (("reads", True), ("never reads", False)):
        record = ours(
            enter("third", "tea", reads=reads), enter("bob", "tea"), enter("ann", "tea"),
            files("ann", "tea", count=600, size=60_000, heard_by=["bob"]), settled("ann", "bob"), look(),
        )  # fmt: skip
        heard = [
            event for event in record.trace.of("hear") if event.actor == "bob" and event.subject.startswith("file")
        ]
        seconds = heard[-1].time - heard[0].time
        print(
            f"  a third client {who:12} Bob got {len(heard)} files in {seconds:.2f} s; the server's peak "
            f"{answer.usage.peak_rss / 1e6:.1f} MB; dropped {record.looks[0]['dropped']}"
        )


def held(ours: Play, seconds: float) -> None:
    """200 clients in 20 rooms, 30 messages a second, some who misbehave: how many messages were lost or doubled."""
    clients, rooms, rate = 200, 20, 30.0
    record = ours(traffic(clients, rooms, seconds, rate, trouble=True))
    homes = {f"guest-{number:03}": f"room-{number % rooms}" for number in range(clients)}
    members = {room: [name for name, home in homes.items() if home == room] for room in set(homes.values())}
    said = [event for event in record.trace.of("say") if event.subject.startswith("m-")]
    wanted = Counter((event.subject, name) for event in said for name in members[homes[event.actor]])
    heard = Counter((event.subject, event.actor) for event in record.trace.of("hear") if event.actor in homes)
    heard = Counter({pair: times for pair, times in heard.items() if pair[0].startswith("m-")})
    lost, more = wanted - heard, heard - wanted
    print(
        f"Load for {seconds:g} s, {clients} clients in {rooms} rooms and four that misbehave: {len(said)} messages, "
        f"{heard.total()} deliveries, lost {lost.total()}, doubled or astray {more.total()}"
    )


def main() -> None:
    """Print the three."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    lifted = reference(Course(Path(__file__).parents[1]).challenge("A2")).lifted
    with tempfile.TemporaryDirectory() as folder:
        modules = Path(folder, "modules")
        modules.mkdir()
        for name, source in lifted.modules.items():
            (modules / f"{name}.py").write_text(source)
        Path(folder, "drives.py").write_text(lifted.drives)
        sys.path.insert(0, folder)
        drives = importlib.import_module("drives")
        with Host(modules) as host, open_world() as fleet:
            fleet.reset()
            answer = Answer(host, modules, time=1e6)

            def ours(*steps: Any) -> Record:
                return fleet.play(answer.drive, drives.serve, *steps, deadline=seconds + 120)

            per_delivery(fleet, ours)
            print("Fifty megabytes from Ann to Bob, past:")
            never_reads(answer, ours)
            held(ours, seconds)


if __name__ == "__main__":
    main()
