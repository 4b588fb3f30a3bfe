"""T1's reference beside aria2c and plain connections: ``python benchmarks/t1_download.py [files] [bytes] [latency]``.

200 files of 1 MiB at 20 ms, unless said. aria2c (Debian package aria2) is left out, with a sentence, where it is
missing. It calls fsync three times a file and the reference never does, so files go to memory where there is
``/dev/shm``: what is compared is how they are fetched, not who waits for the disk.
"""

from __future__ import annotations

import importlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from weft.course.variants import reference
from weft.judge.yardsticks import fetch_all
from weft.layout import Course
from weft.worlds.file_server import FileServer, open_world

ROUNDS = 5
MEMORY = Path("/dev/shm")


def aria2c(items: list[dict[str, Any]], folder: Path) -> None:
    """Five at a time, one connection each."""
    listing = "".join(f"{item['url']}\n out={item['name']}\n" for item in items)
    options = ["-q", "-j5", "-x1", "-s1", "--file-allocation=none", "-d", str(folder), "-i", "-"]
    subprocess.run(["aria2c", *options], input=listing.encode(), check=True)


def ours(items: list[dict[str, Any]], folder: Path) -> None:
    """The reference's manager, in this process."""
    manager, transfer = importlib.import_module("manager"), importlib.import_module("transfer")
    assert manager.DownloadManager([transfer.Item(**item) for item in items], folder).run() == {}


def run(
    fetch: Callable[[list[dict[str, Any]], Path], None], files: FileServer, count: int, size: int, wait: float
) -> float:
    """Seconds for one fetch of everything."""
    files.reset()
    files.latency(wait)
    for number in range(count):
        files.add(f"{number}.bin", size)
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        started = time.perf_counter()
        fetch(files.items, Path(folder))
        return time.perf_counter() - started


def main() -> None:
    """Print medians, and ratios within each round."""
    count, size, wait = (
        (int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])) if len(sys.argv) > 3 else (200, 1 << 20, 0.02)
    )
    fetchers = {"reference": ours, "plain connections, bytes thrown away": lambda items, folder: fetch_all(items, 5)}
    if shutil.which("aria2c"):
        fetchers["aria2c -j5"] = aria2c
    else:
        print("aria2c is not installed (Debian package aria2), so it is left out.")
    with tempfile.TemporaryDirectory() as modules, open_world() as files:
        for name, source in reference(Course(Path(__file__).parents[1]).challenge("T1")).lifted.modules.items():
            Path(modules, f"{name}.py").write_text(source)
        sys.path.insert(0, modules)
        times: dict[str, list[float]] = {name: [] for name in fetchers}
        for number in range(ROUNDS + 1):
            for name in sorted(fetchers, reverse=number % 2 == 0):
                took = run(fetchers[name], files, count, size, wait)
                if number:  # the first round warms up
                    times[name].append(took)
    place = MEMORY if MEMORY.is_dir() else f"{tempfile.gettempdir()}, where aria2c also waits for the disk"
    print(f"{count} files of {size} bytes, {wait * 1000:g} ms a request, {ROUNDS} rounds, into {place}")
    for name, found in times.items():
        ratios = [mine / other for mine, other in zip(times["reference"], found, strict=True)]
        print(f"{name:40} median {statistics.median(found):6.2f} s  reference / it {statistics.median(ratios):5.2f}")


if __name__ == "__main__":
    main()
