"""Once prepared, a run needs nothing but its sites: no git, no registry, not its first machine."""

import json
import signal
from collections.abc import Callable

import pytest

from lab import faults, hosts
from tests.lab.conftest import Operator
from tests.lab.test_recovery import COORDINATOR, deep, everything_is_well, revision_at, run_of

pytestmark = pytest.mark.lab

RELEASES = "~/.dtdeploy/releases"
KKO = "aux.kko"
LABEL = '{{index .Spec.Labels "dtdeploy.release"}}'


def all_of(host: str) -> None:
    """Lose all releases that a manager holds."""
    hosts.run(host, "sh", "-c", f"rm -rf {RELEASES}/*")


def tampered(host: str) -> None:
    """Let every compose file of a manager's releases start something else."""
    change = "sed -i 's/image: /image: evil.example\\//'"
    hosts.run(host, "sh", "-c", f"find {RELEASES} -name '*.yaml' -exec {change} {{}} +")


def stopped(operator: Operator) -> str:
    """Leave a restart right after all was prepared; anybody may go on with it at once."""
    running = operator.starts("restart", "--all", "--yes")
    running.until_it_says("remove datatrail@chime")
    run = run_of(running)
    running.send(signal.SIGINT)
    assert running.ends().code == 30
    return run


def killed(operator: Operator) -> str:
    running = operator.starts("restart", "--all", "--yes")
    running.until_it_says("remove datatrail@chime")
    run = run_of(running)
    running.kill()
    return run


def nothing_but_sites(operator: Operator) -> Operator:
    """Break the branch, stop the registry, and give somebody who has inventory and key alone."""
    for repo in ("datatrail", "datatrail-admin"):
        faults.force_push(repo)
        faults.broken(repo)
    faults.registry_down()
    other = operator.elsewhere()
    other.forgets()
    return other


def release_at(host: str, service: str) -> str:
    return hosts.docker(host, "service", "inspect", service, "--format", LABEL).stdout.strip()


def holds(host: str, digest: str) -> bool:
    there = hosts.run(host, "sh", "-c", f"ls {RELEASES}").stdout
    return digest[:12] in there


def test_a_run_is_resumed_from_what_the_managers_hold(operator: Operator) -> None:
    was = release_at(COORDINATOR, "datatrail_server")
    stopped(operator)
    all_of(COORDINATOR)
    tampered(KKO)
    other = nothing_but_sites(operator)
    done = other.types("resume", "--yes", *other.expecting())
    assert done.code == 0, done
    assert "[release.damaged]" in done.err
    assert "kko" in done.err
    assert release_at(COORDINATOR, "datatrail_server") == was
    assert holds(COORDINATOR, was), "it was brought there again"
    # What was deployed was brought there anew; what other runs left lies there as it was made.
    used = f"{revision_at(KKO)[:12]}-{release_at(KKO, 'datatrail-client_replicator')[:12]}"
    hosts.run(KKO, "sh", "-c", f"! grep -r evil {RELEASES}/datatrail-client-{used}")
    everything_is_well(operator)


def test_it_is_rolled_back_from_what_the_managers_hold(operator: Operator) -> None:
    former = revision_at(KKO)
    for repo in ("datatrail", "datatrail-admin"):
        faults.commit(repo, {"CHANGED": "yes\n"})
    run = stopped(operator)
    all_of(KKO)
    faults.git_down()
    faults.registry_down()
    other = operator.elsewhere()
    other.forgets()
    done = other.types("rollback", run, "--yes", *other.expecting())
    assert done.code == 0, done
    assert revision_at(KKO) == former
    everything_is_well(operator)


@deep
@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(lambda: None, id="nothing"),
        pytest.param(lambda: all_of(COORDINATOR), id="the coordinator's releases"),
        pytest.param(lambda: all_of(KKO), id="a client's releases"),
    ],
)
def test_killed_it_is_resumed_with_one_command(
    operator: Operator, lost: Callable[[], None]
) -> None:
    killed(operator)
    lost()
    other = nothing_but_sites(operator)
    done = other.types("resume", "--take-over", "--yes", *other.expecting())
    assert done.code == 0, done
    everything_is_well(operator)


@deep
def test_what_ended_is_rolled_back_from_elsewhere_without_git(operator: Operator) -> None:
    former = revision_at(KKO)
    faults.commit("datatrail-admin", {"CHANGED": "yes\n"})
    done = operator.types("restart", "--site", "kko", "--yes")
    assert done.code == 0, done
    run = json.loads(operator.types("--json", "runs").out)["runs"][0]["run"]
    faults.git_down()
    other = operator.elsewhere()
    other.forgets()
    back = other.types("rollback", run, "--yes")
    assert back.code == 0, back
    assert revision_at(KKO) == former
    everything_is_well(operator)
