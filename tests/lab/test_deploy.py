"""Routine releases on real Swarms: what has changed is brought there, the rest is left alone."""

import re

import pytest

from lab import commits, faults, hosts
from lab.processes import wait_until
from tests.lab.conftest import DEEP, Done, Operator

pytestmark = pytest.mark.lab
deep = pytest.mark.skipif(not DEEP, reason="half a minute more each: scripts/test --deep")

GBO = "aux.gbo"
STACK = "datatrail-client"
FILE = "stacks/gbo-client.yaml"
IN_PLACE = ("deploy", "--site", "gbo", "--strategy", "update", "--yes")


def containers() -> dict[str, str]:
    """Return the container of each of the stack's services at the site."""
    shown = hosts.docker(
        GBO,
        *("ps", "--no-trunc", "--filter", f"label=com.docker.stack.namespace={STACK}"),
        *("--format", '{{.Label "com.docker.swarm.service.name"}} {{.ID}}'),
    )
    return dict(line.split() for line in shown.stdout.splitlines())


def changed(before: dict[str, str]) -> set[str]:
    now = containers()
    return {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}


def push(old: str, new: str) -> None:
    text = commits.read("datatrail-admin", FILE)
    assert old in text
    faults.commit("datatrail-admin", {FILE: text.replace(old, new, 1)})


def done(result: Done) -> Done:
    assert result.code == 0, result
    return result


@pytest.fixture
def six(operator: Operator) -> Operator:
    """Give an operator and a client of six services at gbo."""
    faults.pristine(few=False)
    # A server that is unhealthy, as after a database's outage, would come along.
    wait_until(lambda: operator.types("status").code == 0, seconds=60, what="all to be healthy")
    done(operator.types(*IN_PLACE))
    assert len(containers()) == 6
    operator.begin()
    return operator


def test_where_one_of_six_services_changed_its_tasks_alone_are_restarted(six: Operator) -> None:
    before = containers()
    assert "nothing to do" in done(six.types(*IN_PLACE)).out
    assert six.touched() == []
    push("      SERVICE: replicator\n", "      SERVICE: replicator\n      ADDED: one\n")
    told = done(six.types(*IN_PLACE))
    assert "updated in place" in told.out
    assert changed(before) == {f"{STACK}_replicator"}
    assert six.violations() == []


@deep
def test_a_service_that_is_not_declared_any_more_goes_and_no_other(six: Operator) -> None:
    before = containers()
    text = commits.read("datatrail-admin", FILE)
    fewer = re.sub(r"^  replication_healer:\n(?:    .*\n)+", "", text, flags=re.MULTILINE)
    assert fewer != text
    faults.commit("datatrail-admin", {FILE: fewer})
    done(six.types(*IN_PLACE))
    # Nobody waits for the last container of a service that is not there any more.
    wait_until(lambda: len(containers()) == 5, seconds=60, what="five containers")
    assert changed(before) == {f"{STACK}_replication_healer"}


def test_an_update_that_fails_is_told_and_what_ran_before_is_brought_back(six: Operator) -> None:
    before = containers()
    faults.image("crash-loop", stack=STACK, service="replicator", site="gbo")
    failed = six.types(*IN_PLACE, "--on-failure", "restore")
    assert failed.code == 22, failed
    assert "replicator" in failed.err
    assert changed(before) == {f"{STACK}_replicator"}
    status = six.types("status", "--site", "gbo")
    assert status.code == 0, status


@deep
def test_another_config_file_is_no_change_in_place(six: Operator) -> None:
    before = containers()
    path = next(
        line.split(": ", 1)[1]
        for line in commits.read("datatrail-admin", FILE).splitlines()
        if line.startswith("    file: ")
    )
    config = f"stacks/{path.removeprefix('./')}"
    text = commits.read("datatrail-admin", config)
    faults.commit("datatrail-admin", {config: f"{text}\n# changed\n"})
    told = done(six.types(*IN_PLACE))
    assert "files of its configs or secrets" in told.out
    assert changed(before) == before.keys()
    assert six.violations() == []
