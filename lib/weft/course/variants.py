"""The answers that a challenge's checks are proved with: reference, stub, mutants and alternatives."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from weft.answer.lift import CheckCell, Lifted, lift
from weft.judge.cells import checks_of, hidden_lines
from weft.judge.verdicts import CRITERIA
from weft.layout import Challenge, read_notebook

Kind = Literal["reference", "stub", "mutant", "alternative"]


class VariantError(Exception):
    """mutants.toml or alternatives/ cannot be applied to the reference; the message says what and where."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One answer, ready to be judged. A mutant has a ``mistake`` and the criterion in which it ``loses`` points."""

    kind: Kind
    name: str
    lifted: Lifted
    mistake: str = ""
    loses: str = ""


def variants(challenge: Challenge) -> list[Variant]:
    """All of them: the reference, the stub, then mutants and alternatives. Raises VariantError or LayoutError."""
    return [reference(challenge), stub(challenge), *mutants(challenge), *alternatives(challenge)]


def reference(challenge: Challenge) -> Variant:
    """The answer in the source notebook."""
    return Variant("reference", "reference", lift(read_notebook(challenge.source_notebook)))


def stub(challenge: Challenge) -> Variant:
    """What a learner starts from: the release's modules, judged by all of the source's checks."""
    released = lift(read_notebook(challenge.release_notebook))
    return Variant("stub", "stub", _with(reference(challenge).lifted, released.modules))


def mutants(challenge: Challenge) -> list[Variant]:
    """The mutants of mutants.toml, in its order; none if there is no such file. Raises VariantError."""
    path, base = challenge.source / "mutants.toml", reference(challenge).lifted
    if not path.exists():
        return []
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8")).get("mutant", [])
    except ValueError as error:
        raise VariantError(f"{path} cannot be read: {error}") from None
    names = [row.get("name") for row in rows]
    for name in names:
        if not name or names.count(name) > 1:
            raise VariantError(f"{path}: every mutant needs a name of its own; {name!r} is not.")
    return [_mutant(row, base, path) for row in rows]


def alternatives(challenge: Challenge) -> list[Variant]:
    """One for each folder in alternatives/; a module that it lacks is the reference's. Raises VariantError."""
    base = reference(challenge).lifted
    folders = sorted(path for path in (challenge.source / "alternatives").glob("[!._]*") if path.is_dir())
    found = []
    for folder in folders:
        modules = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py"))}
        for name in modules.keys() - base.modules.keys():
            raise VariantError(f"{folder / name}.py is no module of the reference: {_or(base.modules)}.")
        if not modules:
            raise VariantError(f"{folder} holds no module, so it would be judged as the reference.")
        found.append(Variant("alternative", folder.name, _with(base, {**base.modules, **modules})))
    return found


def visible(lifted: Lifted) -> Lifted:
    """The same without its hidden checks; line numbers stay."""
    return dataclasses.replace(lifted, cells=[_without_hidden(cell) for cell in lifted.cells])


def _without_hidden(cell: CheckCell) -> CheckCell:
    hidden = hidden_lines(cell.source)
    if not hidden:
        return cell
    points = sum(check.points for check in checks_of(cell) if check.hidden)
    lines = ["" if number in hidden else line for number, line in enumerate(cell.source.splitlines(), start=1)]
    return CheckCell(cell.name, cell.criterion, "\n".join(lines) + "\n", points)


def _mutant(row: dict[str, Any], base: Lifted, path: Path) -> Variant:
    name, place = row["name"], f"{path}, mutant {row['name']}"
    if row.get("loses") not in CRITERIA:
        raise VariantError(f"{place}: `loses` must be one of {', '.join(CRITERIA)}, not {row.get('loses')!r}.")
    if not row.get("mistake") or not row.get("edit"):
        raise VariantError(f"{place}: it needs a `mistake`, in a sentence, and at least one [[mutant.edit]].")
    modules = dict(base.modules)
    for edit in row["edit"]:
        module = edit.get("module")
        if module not in modules:
            raise VariantError(f"{place}: there is no module {module!r}: {_or(modules)}.")
        modules[module] = _edited(modules[module], edit, f"{place}, module {module}")
    return Variant("mutant", name, _with(base, modules), row["mistake"], row["loses"])


def _edited(source: str, edit: dict[str, str], place: str) -> str:
    find, replace = edit.get("find", ""), edit.get("replace")
    times = source.count(find) if find else 0
    if times != 1 or replace is None:
        first = find.strip().partition("\n")[0]
        raise VariantError(f"{place}: `find` must stand there exactly once, and stands there {times} times: {first!r}.")
    if replace == find:
        raise VariantError(f"{place}: `replace` is the same as `find`, so there is no mistake.")
    return source.replace(find, replace)


def _with(base: Lifted, modules: dict[str, str]) -> Lifted:
    return Lifted(modules=dict(modules), drives=base.drives, cells=list(base.cells))


def _or(names: Iterable[str]) -> str:
    return f"there are {', '.join(names)}"
