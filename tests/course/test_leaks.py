"""Each way in which something withheld could reach a learner is planted here, and must be found."""

from __future__ import annotations

import json

import pytest

from weft.course.leaks import leaks
from weft.layout import Challenge

SOLUTION = "futures = [pool.submit(function, item) for item in items]"


def plant(challenge: Challenge, text: str, cell_type: str = "markdown") -> None:
    data = json.loads(challenge.release_notebook.read_text())
    data["cells"].append({"cell_type": cell_type, "id": "planted", "metadata": {}, "source": text.splitlines(True)})
    challenge.release_notebook.write_text(json.dumps(data))


def test_a_clean_release_leaks_nothing(challenge: Challenge) -> None:
    assert leaks(challenge) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"    {SOLUTION}", "the solution"),
        ("    assert answer.drive(doubled, [7, 7, 1, 7], 2) == [14, 14, 2, 14]", "a hidden test"),
        ("An item that stands\nthere twice has two results.", "the hidden check test_equal_items_have_a_result_each"),
        ("def test_two_long_calls_overlap(answer):", "the hidden check test_two_long_calls_overlap"),
        ("What is near, tempting, and left out? Why?", "design.md"),
        ("Results stand in the order in which the calls end.", "mutants.toml"),
        ("futures = [pool.submit(function, item) for item in waiting[:limit]]", "mutants.toml"),
        ("door = threading.Semaphore(limit)", "the alternative thread_per_item"),
        ("### END SOLUTION", "'### END SOLUTION'"),
    ],
)
def test_a_planted_piece_is_found(challenge: Challenge, text: str, what: str) -> None:
    plant(challenge, text)
    assert any(what in sentence for sentence in leaks(challenge)), leaks(challenge)


def test_what_an_output_or_metadata_tells_is_found(challenge: Challenge) -> None:
    data = json.loads(challenge.release_notebook.read_text())
    data["metadata"]["note"] = f"see\n{SOLUTION}"
    challenge.release_notebook.write_text(json.dumps(data))
    assert any("the solution" in sentence for sentence in leaks(challenge))


@pytest.mark.parametrize("name", ["design.md", "x.nb.py", "alternatives/a/crew.py", "mutants.toml"])
def test_a_withheld_file_is_found(challenge: Challenge, name: str) -> None:
    path = challenge.release_notebook.parent / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    assert leaks(challenge) == [f"{name} is withheld, and is in release/X1."]


def test_a_solution_in_the_open_is_found_in_the_source(challenge: Challenge) -> None:
    data = json.loads(challenge.source_notebook.read_text())
    source = "".join(next(cell for cell in data["cells"] if cell["id"] == "crew")["source"])
    start = source.index("    with ThreadPool")
    solution = source[start : source.index("    ### END SOLUTION", start)]
    data["cells"].append({"cell_type": "markdown", "id": "x", "metadata": {}, "source": f"```python\n{solution}```"})
    challenge.source_notebook.write_text(json.dumps(data))
    assert leaks(challenge) == [
        "The solution stands in the open, too: with ThreadPoolExecutor(max_workers=limit) as pool:"
    ]
