from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.swarm.sshd import Operator, Server, make_key, running


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_key(tmp_path_factory.mktemp("operator") / "id_ed25519", comment="operator")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, key: Path) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("sshd"), key) as server:
        yield server


@pytest.fixture
def operator(tmp_path: Path, key: Path, server: Server) -> Operator:
    home = tmp_path / "operator"
    home.mkdir()
    operator = Operator(home=home, key=key)
    operator.trust(server.known_line)
    return operator
