"""The whole system deployed and removed by plain docker commands beside each daemon, no tool.

It is how the lab tries itself, and how a test gets a running system to start from.
"""

from lab import commits, hosts, paths, processes, state
from lab.errors import LabError
from lab.parallel import at_once
from lab.standins.repos import (
    ADMIN,
    CLIENT_STACK,
    DAEMONS_STACK,
    DATATRAIL,
    SERVER_STACK,
    source,
)
from lab.topology import COORDINATOR, Host

Unit = tuple[str, str]  # stack and site
_SECONDS = 120
_SERVER: Unit = (SERVER_STACK, COORDINATOR)
_DAEMONS: Unit = (DAEMONS_STACK, COORDINATOR)


def deploy() -> None:
    """Deploy the server, wait until it is healthy, deploy the rest, wait until all of it runs."""
    deploy_unit(_SERVER)
    wait_until_running([_SERVER])
    dependents = [_DAEMONS, *_clients()]
    at_once(deploy_unit, dependents)
    wait_until_running(dependents)


def remove() -> None:
    """Remove the dependents, wait until they are gone, then the server."""
    dependents = [_DAEMONS, *_clients()]
    at_once(_remove, dependents)
    _remove(_SERVER)


def wait_until_running(units: list[Unit]) -> None:
    """Wait until every service has the task it wants."""
    for unit in units:
        processes.wait_until(
            lambda unit=unit: _is_running(unit),  # type: ignore[misc]
            seconds=_SECONDS,
            what=f"{unit[0]} at {unit[1]} to run",
        )


def _clients() -> list[Unit]:
    return [(CLIENT_STACK, site) for site in state.current().shape.site_managers()]


def deploy_unit(unit: Unit) -> None:
    """Deploy one stack at one site as its repository describes it now."""
    stack, site = unit
    place = source(stack, site)
    _check_out(hosts.find(site))
    folder, _, file = place.path.rpartition("/")
    command = f"cd by-hand/{place.repo}/{folder} && exec docker stack deploy --with-registry-auth"
    processes.wait_until(
        lambda: _accepted(site, f"{command} -c {file} {stack}"),
        seconds=_SECONDS,
        what=f"{stack} at {site} to be deployed",
    )


def _accepted(site: str, command: str) -> bool:
    """Tell whether a deploy went through; false where it met a write of the Swarm's own."""
    done = hosts.run(site, "bash", "-c", command, check=False)
    if done.returncode and "update out of sequence" not in done.stderr:
        raise LabError(f"{site}: {command} failed with {done.returncode}: {done.stderr}")
    return done.returncode == 0


def _check_out(host: Host) -> None:
    for repo in (DATATRAIL, ADMIN):
        for path in commits.listing(repo):
            target = paths.host_folder(host.name) / "home" / "by-hand" / repo / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(commits.read(repo, path))


def _remove(unit: Unit) -> None:
    stack, site = unit
    host = hosts.find(site)
    # Not all at once: tasks that end after their network is deleted leak ingress addresses.
    services = hosts.api(host, "GET", "/services", query=_of(stack))
    for service in services:
        hosts.api(host, "DELETE", f"/services/{service['ID']}")
    processes.wait_until(
        lambda: not hosts.api(host, "GET", "/tasks", query=_of(stack)),
        seconds=_SECONDS,
        what=f"the tasks of {stack} at {site} to go",
    )
    hosts.docker(site, "stack", "rm", stack)
    processes.wait_until(
        lambda: not hosts.api(host, "GET", "/networks", query=_of(stack)),
        seconds=_SECONDS,
        what=f"the networks of {stack} at {site} to go",
    )


def _is_running(unit: Unit) -> bool:
    stack, site = unit
    query = _of(stack) | {"status": True}
    services = hosts.api(hosts.find(site), "GET", "/services", query=query)
    return bool(services) and all(
        service["ServiceStatus"]["RunningTasks"] == service["ServiceStatus"]["DesiredTasks"]
        for service in services
    )


def _of(stack: str) -> dict[str, object]:
    return {"filters": {"label": [f"com.docker.stack.namespace={stack}"]}}
