"""pyproject.toml, constraints.txt and environment.yml say the same, and none of them says where to fetch it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

#: What the course promises its learners, whatever else it needs.
COURSE = {
    "jupyterlab", "nbgrader", "ipywidgets", "rich", "psutil", "aiohttp", "websockets", "pandas", "numpy", "matplotlib",
    "nest-asyncio", "requests",
}  # fmt: skip

ADDRESS = re.compile(
    r"://|^\s*(-i|--index-url|--extra-index-url|--find-links|-f|--trusted-host)\b|@\s*file:", re.MULTILINE
)


def requirements(*extras: str) -> dict[str, Requirement]:
    """The direct dependencies by name, with those of some extras."""
    rows = [*PROJECT["dependencies"], *(row for extra in extras for row in PROJECT["optional-dependencies"][extra])]
    found = [Requirement(row) for row in rows]
    return {canonicalize_name(need.name): need for need in found}


def pins(text: str) -> dict[str, list[Version]]:
    """Versions by name, from lines such as ``name==1.2; marker``. Raises ValueError for any other line."""
    found: dict[str, list[Version]] = {}
    for line in text.splitlines():
        line = line.partition("#")[0].strip()
        if not line:
            continue
        need = Requirement(line)
        operators = [spec.operator for spec in need.specifier]
        if operators != ["=="] or need.extras or need.url:
            raise ValueError(f"not a pin: {line}")
        found.setdefault(canonicalize_name(need.name), []).append(Version(next(iter(need.specifier)).version))
    return found


def drift(needed: dict[str, Requirement], pinned: dict[str, list[Version]]) -> list[str]:
    """Direct dependencies that are not pinned, or pinned outside their range."""
    wrong = []
    for name, need in needed.items():
        versions = pinned.get(name, [])
        wrong += [f"{name} is not pinned"] if not versions else []
        wrong += [f"{name} {version} is not {need.specifier}" for version in versions if version not in need.specifier]
    return wrong


def test_the_course_s_own_list_is_in_pyproject() -> None:
    assert set(requirements()) >= COURSE


def test_every_direct_dependency_is_pinned_within_its_range() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert drift(requirements("dev", "cluster"), pins(text)) == []


def test_drift_is_found() -> None:
    needed = {"a": Requirement("a>=2"), "b": Requirement("b>=1"), "c": Requirement("c")}
    assert drift(needed, pins("a==1.9\nc==1 # why\n")) == ["a 1.9 is not >=2", "b is not pinned"]


@pytest.mark.parametrize("line", ["a>=1", "a", "a==1,<2", "a[b]==1", "a @ https://x.y/a.whl", "-e ."])
def test_a_line_that_is_no_pin_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        pins(line)


def test_conda_and_binder_install_the_same_package_with_the_same_pins() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *conda, last = environment["dependencies"]
    # No version and no dependency stands here a second time, so that none can differ.
    assert [re.split("[=<>]", row)[0] for row in conda] == ["python", "pip"]
    assert last == {"pip": ["-c constraints.txt", "-e .[cluster]"]}


def test_conda_s_python_is_one_that_weft_runs_on() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    version = environment["dependencies"][0].partition("=")[2]
    assert SpecifierSet(PROJECT["requires-python"]).contains(version)


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt", "environment.yml"])
def test_none_of_them_has_an_address(name: str) -> None:
    assert ADDRESS.search((ROOT / name).read_text(encoding="utf-8")) is None


@pytest.mark.parametrize("line", ["a @ https://x.y/a.whl", "--index-url x", "-i x", "-f x", "a @ file:///x"])
def test_an_address_would_be_found(line: str) -> None:
    assert ADDRESS.search(f"b==1\n{line}\n")


def test_hooks_fetch_nothing_and_name_what_is_installed() -> None:
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    hooks = [hook for repo in repos for hook in repo["hooks"]]
    assert [repo["repo"] for repo in repos] == ["local"]
    assert {hook["language"] for hook in hooks} == {"system"}
    assert {hook["entry"].split()[0] for hook in hooks} == {"ruff", "mypy", "python"}
