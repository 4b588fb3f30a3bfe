"""Both file servers, the real one and the simulated one, as fixtures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from weft.worlds.file_server import FileServer, open_world
from weft.worlds.simulated_files import SimulatedFiles


@pytest.fixture(scope="session")
def one_server() -> Iterator[FileServer]:
    with open_world() as server:
        yield server


@pytest.fixture
def real(one_server: FileServer) -> FileServer:
    """The real file server, fresh."""
    one_server.reset()
    return one_server


@pytest.fixture(params=["real", "simulated"])
def files(request: pytest.FixtureRequest) -> Any:
    """Either file server, fresh."""
    return request.getfixturevalue("real") if request.param == "real" else SimulatedFiles()
