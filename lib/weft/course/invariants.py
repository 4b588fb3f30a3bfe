"""What must hold of a challenge and can be seen without judging: rubric, hints, pair, release, secrets."""

from __future__ import annotations

import re
from typing import Any

from weft.answer.lift import module_name
from weft.course.leaks import leaks
from weft.course.pairing import Pair, complaint
from weft.course.release import check_release
from weft.course.variants import Variant
from weft.gradebook.rubric import rubric_faults
from weft.judge.verdicts import CRITERIA
from weft.layout import Challenge, Course, read_notebook

#: How many other correct answers a challenge needs, and how many steps its hints have.
ALTERNATIVES, STEPS = 3, 3

HINT = re.compile(r"<details[^>]*>\s*<summary>(.*?)</summary>(.*?)</details>", re.DOTALL)


def invariants(course: Course, challenge: Challenge) -> dict[str, list[str]]:
    """For each thing that must hold, what speaks against it, in sentences."""
    source = read_notebook(challenge.source_notebook)
    pair = complaint(Pair(course.root, challenge.source_text))
    return {
        "rubric adds up": rubric_faults(source),
        "hints in three steps": hint_faults(source),
        "pair in step": [pair] if pair else [],
        "release in step": check_release(course, [challenge.id]),
        "nothing withheld leaked": leaks(challenge),
    }


def coverage_faults(everything: list[Variant]) -> list[str]:
    """Criteria without a mutant, and too few alternatives."""
    caught = {variant.loses for variant in everything if variant.kind == "mutant"}
    faults = [f"No mutant loses points in {criterion}." for criterion in CRITERIA if criterion not in caught]
    count = sum(variant.kind == "alternative" for variant in everything)
    if count < ALTERNATIVES:
        faults.append(f"There are {count} alternatives; a challenge needs {ALTERNATIVES} that differ in kind.")
    return faults


def hint_faults(notebook: dict[str, Any]) -> list[str]:
    """Parts without three hints that say something. A part reaches from a ``##`` heading to the next."""
    parts: dict[str, list[str]] = {}
    hints: dict[str, int] = {}
    heading = "the beginning"
    for cell in notebook["cells"]:
        source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            if match := re.search(r"^##? +(.+)$", source, re.MULTILINE):
                heading = match.group(1).strip()
            told = [body for summary, body in HINT.findall(source) if summary.strip() and body.strip()]
            hints[heading] = hints.get(heading, 0) + len(told)
        elif cell.get("metadata", {}).get("nbgrader", {}).get("solution") and (name := module_name(source)):
            parts.setdefault(heading, []).append(name)
    return [
        f"{', '.join(names)} (in “{part}”) has {hints.get(part, 0)} hints instead of {STEPS * len(names)}."
        for part, names in parts.items()
        if hints.get(part, 0) < STEPS * len(names)
    ]
