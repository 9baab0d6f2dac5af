import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.inventory.model import Manager
from orchestrator.swarm.connection import SshConnection
from orchestrator.swarm.performer import LivePerformer, SshSettings, Timeouts
from tests.swarm.daemon import Command, Daemon, install, listening
from tests.swarm.proxy import Proxy, proxied
from tests.swarm.sshd import SITE, Operator, Server, make_key, running


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


@pytest.fixture(autouse=True)
def _empty_home(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let no test find what another left in the server's home."""
    yield
    if "server" in request.fixturenames:
        server: Server = request.getfixturevalue("server")
        shutil.rmtree(server.home)
        server.home.mkdir()


@pytest.fixture
def connection(operator: Operator, server: Server) -> Iterator[SshConnection]:
    with operator.connected(operator.target(server.port)) as connection:
        yield connection


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with listening(tmp_path / "docker.sock") as daemon:
        yield daemon


@pytest.fixture
def docker(tmp_path: Path, server: Server) -> Iterator[Command]:
    """Install the docker command, whose socket is that of the fixture `daemon`."""
    yield install(server, tmp_path / "docker.sock", tmp_path)
    (server.bin / "docker").unlink(missing_ok=True)


@pytest.fixture
def performer(operator: Operator, server: Server) -> Iterator[LivePerformer]:
    performer = perform_through(operator, server.port)
    yield performer
    performer.close()


def perform_through(
    operator: Operator,
    port: int | Sequence[Manager],
    clock: Callable[[], float] = time.monotonic,
) -> LivePerformer:
    alone = (Manager(host="127.0.0.1", port=port),) if isinstance(port, int) else port
    return LivePerformer(
        {SITE: alone},
        ssh=SshSettings(config=operator.home / "config", defaults=operator.defaults()),
        monotonic=clock,
        wall=time.time,
        secrets={"PASSWORD": "plan'ted $x"},
        timeouts=Timeouts(read=2.0, retry=1.0, quiet=0.5, pause=0.5),
    )


@contextmanager
def through_proxy(operator: Operator, server: Server) -> Iterator[tuple[Proxy, LivePerformer]]:
    with proxied(server.port) as proxy:
        operator.trust(server.known_line.replace(str(server.port), str(proxy.port)))
        performer = perform_through(operator, proxy.port)
        yield proxy, performer
        performer.close()
