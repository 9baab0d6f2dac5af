"""The client that people use, from its own package, against the lab's server: is it content?"""

import json
import shutil
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from lab import control, faults
from lab.processes import wait_until
from tests.lab.conftest import Operator

pytestmark = pytest.mark.lab

SERVER = "http://frb-vsop.chime:8001"


@pytest.fixture
def client(operator: Operator) -> Operator:
    """Give an operator whose `datatrail` asks the lab's server."""
    folder = control.home(operator.machine) / ".datatrail"
    folder.mkdir(exist_ok=True)
    settings = {
        "server": SERVER,
        "site": "chime",
        "vospace_certfile": str(folder / "none.pem"),
        "root_mounts": {"chime": "/"},
    }
    YAML().dump(settings, folder / "config.yaml")
    return operator


def server_check(client: Operator) -> tuple[bool, str]:
    """Return what `datatrail doctor --json` says of the server."""
    program = shutil.which("datatrail", path=str(Path(sys.executable).parent))
    assert program, "datatrail-cli is in requirements/dev.txt"
    done = control.ops([program, "doctor", "--json"], timeout=60, machine=client.machine)
    assert done.returncode == 1, "there is no certificate for CANFAR here, and it says so"
    checks = json.loads(done.stdout)["checks"]
    assert checks["config"]["ok"], done.stdout
    assert not checks["certificate"]["ok"], done.stdout
    return checks["server"]["ok"], checks["server"]["message"]


def test_it_is_content_after_a_restart(client: Operator) -> None:
    done = client.types("restart", "--all", "--yes")
    assert done.code == 0, done
    assert server_check(client) == (True, "Datatrail server is ready.")


def test_it_is_not_while_the_server_is_down(client: Operator) -> None:
    down = client.types("down", "--all", "--yes")
    assert down.code == 0, down
    assert server_check(client) == (False, "Datatrail server request failed.")
    up = client.types("up", "--all", "--yes")
    assert up.code == 0, up
    assert server_check(client)[0]


def test_it_is_not_while_the_database_is_down(client: Operator) -> None:
    faults.postgres_down()
    # The server asks its database every other second.
    wait_until(lambda: not server_check(client)[0], seconds=20, what="the client to notice")
    well, words = server_check(client)
    assert not well
    assert words.startswith("Datatrail server re"), words
    # What dtdeploy thinks of it is the same, and by the same answer.
    status = client.types("verify", "datatrail@chime")
    assert status.code == 21, status
    faults.postgres_up()
