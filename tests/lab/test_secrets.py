"""Secrets in real files, services, errors and logins; searched for in all that is left behind."""

import json
import shutil
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import commits, control, faults, hosts
from lab.daemons import registry
from tests.canaries import CANARIES, files_below, found_in, readable
from tests.lab.conftest import Done, Operator

pytestmark = pytest.mark.lab

FILE = "stacks/kko-client.yaml"
KKO = "aux.kko"
KNOWN = {
    "CANARY_RAW": CANARIES["variable"],
    "CANARY_PLAIN": CANARIES["variable-in-url"],
    "CANARY_MORE": CANARIES["variable-in-json"],
}


def leaky(text: str) -> str:
    """Return a compose file whose last service holds secrets, and cannot start for their sake."""
    url = f"postgres://datatrail:{CANARIES['database-url'].replace('/', '')}@db:5432"
    service = {
        "image": text.split("image: ")[1]
        .splitlines()[0]
        .replace("${CLIENT_TAG:-latest}", "latest"),
        "entrypoint": [
            f"/none?token={CANARIES['assignment'].replace(' ', '')}",
            "${CANARY_RAW}",
        ],
        "environment": {
            "API": CANARIES["environment-declared"],
            "DB_URL": url,
            "GIVEN": "${CANARY_PLAIN}",
        },
        "labels": {"team.key": CANARIES["container-label"], "team.more": "${CANARY_MORE}"},
        "deploy": {
            "labels": {"team.key": CANARIES["label"]},
            "restart_policy": {"condition": "any", "delay": "1s"},
        },
        "networks": ["default"],
        "configs": [{"source": "leaky", "target": "/etc/leaky"}],
        "secrets": [{"source": "leaky", "target": "leaky"}],
    }
    first, second = text.split("\nnetworks:\n")
    configs = "\n  leaky:\n    file: ./config/leaky.conf\n"
    configs += "secrets:\n  leaky:\n    file: ./config/leaky.key\n"
    head, rest = first.split("\nconfigs:\n")
    line = f"  replicator_canary: {json.dumps(service)}\n"
    return f"{head}\n{line}\nconfigs:\n{rest.rstrip()}{configs}\nnetworks:\n{second}"


@pytest.fixture
def secretive(operator: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    """Give an operator with secrets in the environment, and a commit full of them."""
    for name, value in KNOWN.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "inventory"
    folder.mkdir()
    shutil.copy(operator.inventory, folder)
    shutil.copytree(operator.inventory.parent / "stacks", folder / "stacks")
    sites = (folder / "sites.yaml").read_text()
    before, after = sites.split("manager: aux.kko\n    groups: [data, outrigger]\n")
    rest = after.split("\n", 1)[1]
    own = f"    stacks: {{datatrail-client: {{secret_variables: [{', '.join(KNOWN)}]}}}}\n"
    kept = "manager: aux.kko\n    groups: [data, outrigger]\n"
    (folder / "sites.yaml").write_text(before + kept + own + rest)
    faults.commit(
        "datatrail-admin",
        {
            FILE: leaky(commits.read("datatrail-admin", FILE)),
            "stacks/config/leaky.conf": CANARIES["config"],
            "stacks/config/leaky.key": CANARIES["secret"],
        },
    )
    operator.inventory = folder / "sites.yaml"
    operator.begin()
    return operator


def left_behind(operator: Operator, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield what dtdeploy wrote: here, on the manager, on the coordinator's Swarm.

    Not the mirrors and the shipped releases: these are the repositories' own files.
    """
    home = control.home(operator.machine)
    for path, text in files_below(home / ".local", folder / "out"):
        yield str(path), text
    for path, text in files_below(home / ".cache"):
        if "mirrors" not in path.parts:
            yield str(path), text
    for host in (KKO, "frb-vsop.chime"):
        yield f"{host} audit", hosts.run(host, "sh", "-c", "cat ~/.dtdeploy/audit.log").stdout
    names = hosts.docker("frb-vsop.chime", "config", "ls", "--format", "{{.Name}}").stdout.split()
    for name in names:
        if name.startswith("dtdeploy."):
            shown = hosts.docker("frb-vsop.chime", "config", "inspect", name)
            (config,) = json.loads(shown.stdout)
            yield name, shown.stdout + readable(_data(config))


def _data(config: dict[str, dict[str, str]]) -> bytes:
    return b64decode(config["Spec"].get("Data", ""))


def test_no_secret_is_said_or_left_behind(secretive: Operator, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    said: list[Done] = []

    def types(*words: str) -> Done:
        done = secretive.types(*words)
        said.append(done)
        return done

    assert types("plan", "--site", "kko", "--out", str(tmp_path / "out" / "p.json")).code == 0
    for form in ("json", "markdown", "mermaid", "svg"):
        assert types("plan", "--site", "kko", "--format", form).code == 0
    types("-v", "drift", "--site", "kko")
    types("doctor", "--site", "kko")
    failed = types("-v", "restart", "--site", "kko", "--yes", "--on-failure", "stop")
    assert failed.code == 21, failed
    task = hosts.docker(KKO, "service", "ps", "--no-trunc", "datatrail-client_replicator_canary")
    assert found_in(task.stdout), task.stdout
    types("-v", "status")
    types("--json", "status")
    types("lock")
    types("--json", "drift", "--site", "kko")
    types("plan", "--site", "kko", "--out", str(tmp_path / "out" / "q.json"))
    assert (tmp_path / "out" / "q.json").exists()
    places = [(str(index), done.out + done.err) for index, done in enumerate(said)]
    for place, text in (*places, *left_behind(secretive, tmp_path)):
        assert found_in(text) == set(), f"{place}: {text[:3000]}"
        assert registry.password() not in text, place
