"""M2's reference beside primesieve and numba: ``python benchmarks/m2_primes.py [n] [workers]``.

10⁹, and as many workers as there are cores, unless said. Everybody counts the same primes with the same number of
processes or threads; seconds are from the call to the number, so processes are started within them. primesieve (Debian
package primesieve) and numba (``pip install numba``) are left out, with a sentence, where they are missing.
"""

from __future__ import annotations

import importlib
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from weft.course.variants import reference
from weft.layout import Course

ROUNDS = 5
SEGMENT = 1 << 19  # numbers in a segment of numba's: its flags fit into a core's own cache


def cross_out(start: int, stop: int, base: np.ndarray, flags: np.ndarray) -> int:
    """The odd primes from ``start``, which is even, to before ``stop``; 1 is taken for one. For numba to compile."""
    half = (stop - start) // 2
    flags[:half] = 1
    for prime in base:
        if prime * prime >= stop:
            break
        first = max(prime * prime, (start + prime - 1) // prime * prime)
        if first % 2 == 0:
            first += prime
        for index in range((first - start) // 2, half, prime):
            flags[index] = 0
    return flags[:half].sum()


def with_numba(n: int, workers: int, base: np.ndarray) -> Callable[[], int]:
    """The same plan in compiled loops, on threads that hold no interpreter lock. Raises ImportError."""
    compiled = importlib.import_module("numba").njit(nogil=True)(cross_out)
    odd, end = base[base > 2], n + n % 2  # even, too: if n is, it is no prime

    def segment(start: int) -> int:
        return int(compiled(start, min(start + SEGMENT, end), odd, np.empty(SEGMENT // 2, np.uint8)))

    def count() -> int:  # 1 is counted and 2 is not
        with ThreadPoolExecutor(workers) as pool:
            return sum(pool.map(segment, range(0, n + 1, SEGMENT)))

    return count


def counters(n: int, workers: int) -> dict[str, Callable[[], int]]:
    """Who counts, by name."""
    sieve, supervisor = importlib.import_module("sieve"), importlib.import_module("supervisor")
    command = ["primesieve", str(n), f"--threads={workers}", "--quiet"]
    found: dict[str, Callable[[], int]] = {
        "reference": lambda: supervisor.PrimeCalculator(n, workers=workers).run(),
        "reference, one worker": lambda: supervisor.PrimeCalculator(n, workers=1).run(),
    }
    if shutil.which("primesieve"):
        found["primesieve"] = lambda: int(subprocess.run(command, capture_output=True, check=True).stdout)
    else:
        print("primesieve is not installed (Debian package primesieve), so it is left out.")
    try:
        found["numba, threads"] = with_numba(n, workers, sieve.base_primes(math.isqrt(n)))
    except ImportError:
        print("numba is not installed (pip install numba), so it is left out.")
    return found


def main() -> None:
    """Print medians, and ratios within each round."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 10**9
    workers = int(sys.argv[2]) if len(sys.argv) > 2 else os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as modules:
        for name, source in reference(Course(Path(__file__).parents[1]).challenge("M2")).lifted.modules.items():
            Path(modules, f"{name}.py").write_text(source)
        sys.path.insert(0, modules)
        counts = counters(n, workers)
        times: dict[str, list[float]] = {name: [] for name in counts}
        answers = set()
        for number in range(ROUNDS + 1):
            for name in sorted(counts, reverse=number % 2 == 0):
                started = time.perf_counter()
                answers.add(counts[name]())
                if number:  # the first round warms up, and compiles
                    times[name].append(time.perf_counter() - started)
    assert len(answers) == 1, f"they do not agree: {answers}"
    print(f"{answers.pop()} primes up to {n}, {workers} workers, {ROUNDS} rounds")
    for name, found in times.items():
        ratios = [mine / other for mine, other in zip(times["reference"], found, strict=True)]
        print(f"{name:24} median {statistics.median(found):6.3f} s  reference / it {statistics.median(ratios):5.2f}")


if __name__ == "__main__":
    main()
