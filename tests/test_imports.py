"""Who may import whom, read from the source with ast: the layers of the library point in one direction."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "lib" / "weft"

#: What each layer may import of the others. Whoever may import a layer may import what that one may.
LAYERS: dict[str, set[str]] = {
    "trace": set(),
    "layout": set(),
    "worlds": {"trace"},
    "probes": {"trace"},
    "charts": {"trace"},
    "pictures": set(),
    "answer": {"trace", "layout", "probes"},
    "judge": {"trace", "layout", "answer", "worlds", "pictures"},
    "gradebook": {"judge"},
    "record": {"judge", "gradebook"},
    "notebook": {"judge", "charts", "record"},
    "course": {"judge", "gradebook"},
    "cli": {"judge", "gradebook", "course", "record", "notebook", "charts"},
    # weft/__init__.py: load_ipython_extension, which IPython looks for there.
    "": {"notebook"},
}

#: Folders that no library code may import from.
OUTSIDE = {"source", "tests", "notebooks", "release", "benchmarks"}


def allowed(layer: str) -> set[str]:
    """All layers that a layer may import."""
    found = {layer}
    for below in LAYERS[layer]:
        found |= allowed(below)
    return found


def imports(path: Path, package: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Line and dotted name of everything that a module of ``package`` imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = base + (node.module.split(".") if node.module else [])
            # `from weft import layout` names a layer in its last part.
            yield from ((node.lineno, [*base, alias.name]) for alias in node.names)


def wrong_imports(library: Path) -> list[str]:
    """Each import that points the wrong way, in a sentence."""
    wrong = []
    for path in sorted(library.rglob("*.py")):
        parts = path.relative_to(library).with_suffix("").parts
        layer = "" if parts == ("__init__",) else parts[0]
        for line, name in imports(path, ["weft", *parts[:-1]]):
            target = name[1] if name[0] == "weft" and len(name) > 1 else None
            if name[0] in OUTSIDE or (target in LAYERS and target not in allowed(layer)):
                wrong.append(f"{'/'.join(parts)}.py:{line} imports {'.'.join(name)}")
    return wrong


def test_every_import_points_the_right_way() -> None:
    assert wrong_imports(LIBRARY) == []


def test_every_part_of_the_library_has_a_layer() -> None:
    found = {path.stem for path in LIBRARY.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert found - {"__init__"} == set(LAYERS) - {""}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("worlds/a.py", "from weft.judge.verdicts import Verdict"),
        ("worlds/a.py", "import weft.layout"),
        ("answer/a.py", "def f():\n    from weft import judge"),
        ("judge/a.py", "from ..gradebook import store"),
        ("judge/a.py", "if TYPE_CHECKING:\n    from weft.notebook import magics"),
        ("gradebook/a.py", "from weft.course.variants import visible"),
        ("course/a.py", "import source.T1"),
        ("trace.py", "from . import layout"),
        ("charts/deep/a.py", "from ...worlds import faults"),
    ],
)
def test_a_planted_wrong_import_is_found(tmp_path: Path, file: str, text: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"import json\n{text}\n")
    assert len(wrong_imports(tmp_path)) == 1


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("worlds/a.py", "from weft.trace import Trace\nfrom . import b"),
        ("gradebook/a.py", "import weft\nfrom weft.answer.lift import lift"),
        ("cli/a.py", "from weft.probes import explorer"),
        ("__init__.py", "from weft.notebook.magics import register"),
    ],
)
def test_a_right_import_is_none_of_them(tmp_path: Path, file: str, text: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    assert wrong_imports(tmp_path) == []
