"""Names of answer modules: the bad ones are refused with a name that would do."""

from __future__ import annotations

from pathlib import Path

import pytest

from weft.notebook.names import refusal


@pytest.mark.parametrize("name", ["progress", "transfer", "_private", "part2"])
def test_good_names(name: str, tmp_path: Path) -> None:
    assert refusal(name, tmp_path) is None


@pytest.mark.parametrize(
    ("name", "why", "instead"),
    [
        ("", "needs a name", "%%module progress"),
        ("my-module", "one word", "%%module my_module"),
        ("2nd", "one word", "%%module my_2nd"),
        ("lib/progress.py", "one word", "%%module progress"),
        ("..\\json.py", "one word", "%%module my_json"),
        ("progress manager", "one word", "%%module progress_manager"),
        ("größe", "one word", "%%module gr_e"),
        ("class", "Python language", "%%module my_class"),
        ("json", "standard library", "%%module my_json"),
        ("numpy", "installed", "%%module my_numpy"),
        ("pytest", "installed", "%%module my_pytest"),
        ("weft", "installed", "%%module my_weft"),
        ("drives", "checks use", "%%module my_drives"),
    ],
)
def test_bad_names_are_refused_with_a_better_one(name: str, why: str, instead: str, tmp_path: Path) -> None:
    sentence = refusal(name, tmp_path)
    assert sentence is not None
    assert why in sentence and f"`{instead}`" in sentence


def test_a_file_beside_the_notebook_is_not_an_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``weft export`` writes progress.py; the notebook beside it must go on working."""
    (tmp_path / "progress.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert refusal("progress", tmp_path / "work") is not None
    monkeypatch.chdir(tmp_path)
    assert refusal("progress", tmp_path / "work") is None
