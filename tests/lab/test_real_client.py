"""The client that people use, from its own package, against the lab's server: is it content?"""

import json
import shutil
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from lab import control, faults, hosts
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


def test_it_is_content_after_a_restart_and_not_without_server_or_database(
    client: Operator,
) -> None:
    done = client.types("restart", "--all", "--yes")
    assert done.code == 0, done
    assert server_check(client) == (True, "Datatrail server is ready.")

    scale_server(0)
    until(client, well=False)
    assert server_check(client) == (False, "Datatrail server request failed.")
    scale_server(1)
    until(client, well=True)

    faults.postgres_down()
    until(client, well=False)
    words = server_check(client)[1]
    assert words.startswith("Datatrail server re"), words
    # What dtdeploy thinks of it is the same, and by the same answer.
    verified = client.types("verify", "datatrail@chime")
    assert verified.code == 21, verified


def scale_server(tasks: int) -> None:
    hosts.docker("frb-vsop.chime", "service", "scale", "-d", f"datatrail_server={tasks}")


def until(client: Operator, *, well: bool) -> None:
    """The server asks its database every other second; a task takes its time to go or come."""
    wait_until(lambda: server_check(client)[0] is well, seconds=60, what="the client to notice")
