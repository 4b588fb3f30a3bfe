"""Walls around an answer, made with bubblewrap: two nested sandboxes.

The judge of one submission runs with its worlds in a network namespace of its own, where there is only a loopback.
The answer's host runs in an inner sandbox that shares this loopback and nothing else: a read-only system, no home, no
sight of the course, the gradebook or other people's work, its own processes only, and an unprivileged user.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import weft
from weft.answer.child import SANDBOX_MARK

#: What of the system an interpreter needs to see.
SYSTEM = (
    "/usr",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/ssl",
)

#: In a merged /usr these are links into it; elsewhere folders of their own.
ROOTS = ("/bin", "/sbin", "/lib", "/lib64")

#: First of the user ids for answers; each running sandbox has one of its own, because process limits count by user.
FIRST_USER = 200_000


@functools.cache
def available() -> bool:
    """Whether bubblewrap is here and may make what we need (in some containers it may not)."""
    if not shutil.which("bwrap"):
        return False
    probe = [*private_network(), *private_files(Path("/tmp")), "/bin/true"]
    return subprocess.run(probe, capture_output=True, timeout=20).returncode == 0


def private_network() -> list[str]:
    """The outer wall: a prefix for the judge's command."""
    return ["bwrap", "--unshare-net", "--dev-bind", "/", "/", "--die-with-parent", "--"]


def private_files(modules: Path) -> list[str]:
    """The inner wall: a prefix for the host's command. ``modules`` is the folder of the answer's modules."""
    visible = [*_interpreter_folders(), modules]
    return [
        "bwrap", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--die-with-parent",
        *_user_namespace(),
        "--clearenv", "--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/dev/shm",
        "--perms", "1777", "--tmpfs", "/tmp",
        *_system(),
        *_parents(visible),
        *(word for folder in visible for word in ("--ro-bind", str(folder), str(folder))),
        *_environment(),
        "--chdir", "/tmp", "--",
        *_drop_privileges(),
    ]  # fmt: skip


def _user_namespace() -> list[str]:
    """Root drops to another user id below, which a user namespace of a single id would forbid.

    Anybody else needs the namespace.
    """
    return ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if os.geteuid() == 0 else ["--unshare-user"]


def _drop_privileges() -> list[str]:
    if os.geteuid() != 0:
        return []
    user = FIRST_USER + os.getpid()
    return [
        "setpriv",
        f"--reuid={user}",
        f"--regid={user}",
        "--clear-groups",
        "--inh-caps=-all",
        "--no-new-privs",
        "--",
    ]


def _interpreter_folders() -> list[Path]:
    """The interpreter, its packages, and this library; never the course around it."""
    folders = {Path(sys.prefix), Path(sys.base_prefix), Path(weft.__file__).parent}
    return sorted(folder for folder in folders if not folder.is_relative_to("/usr") or not folder.exists())


def _system() -> list[str]:
    words = []
    for path in map(Path, SYSTEM):
        if path.exists():
            words += ["--ro-bind", str(path), str(path)]
    for path in map(Path, ROOTS):
        if path.is_symlink():
            words += ["--symlink", os.readlink(path), str(path)]
        elif path.exists():
            words += ["--ro-bind", str(path), str(path)]
    return words


def _parents(folders: list[Path]) -> list[str]:
    """Empty folders on the way to what is bound, traversable by the unprivileged user."""
    parents = {parent for folder in folders for parent in folder.parents} - {
        Path("/"),
        Path("/tmp"),
        Path("/usr"),
    }
    return [word for parent in sorted(parents) for word in ("--perms", "0755", "--dir", str(parent))]


def _environment() -> list[str]:
    lib = Path(weft.__file__).parents[1]
    values = {
        "PATH": f"{sys.prefix}/bin:/usr/bin:/bin",
        "HOME": "/tmp",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(lib),
        "PYTHONDONTWRITEBYTECODE": "1",
        SANDBOX_MARK: "1",
    }
    values |= {name: os.environ[name] for name in ("WEFT_DRIVE_START",) if name in os.environ}
    return [word for name, value in values.items() for word in ("--setenv", name, value)]
