"""The Swarm's API: reads, writes, and what it says when it cannot.

Each call is a process on virtual time. Writes go through raft, and end in one of three ways:
done, refused with Docker's words (`ApiError`), or nobody knows (`OutcomeUnknownError`).
"""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from orchestrator.fleet.usage import used
from orchestrator.simulation import rollout
from orchestrator.simulation.clock import Process
from orchestrator.simulation.happening import What
from orchestrator.simulation.objects import SimResource, SimService, SimTask
from orchestrator.simulation.swarm import BLOCKED_WRITE_SECONDS, NO_LEADER, SimSwarm

T = TypeVar("T")
NO_DAEMON = (
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock."
    " Is the docker daemon running?"
)
LOST_LEADER = (
    "Error response from daemon: raft: failed to process the request: node lost leader status"
)
NO_MANAGER = (
    'Error response from daemon: This node is not a swarm manager. Use "docker swarm init" or'
    ' "docker swarm join" to connect this node to swarm and try again.'
)
_WRITE = (0.01, 0.04)
_READ = (0.003, 0.02)
_LOOK_AGAIN = 0.25
_LOOK_AGAIN_AT_MOST = 4.0
_CONFIG_BYTES = 1_024_000
"""Docker's words name this limit (measured)."""
_FOUND_LATER = 0.5
"""How likely a write of unknown outcome turns out to have happened."""


class ApiError(Exception):
    """The daemon said no, or is not there; nothing was changed by this call."""


class OutcomeUnknownError(ApiError):
    """The call ended without anybody knowing whether it acted."""


class UnsentError(OutcomeUnknownError):
    """A part of what was to be sent never was; the site has nothing to do with it."""


class TakenError(ApiError):
    """Something of that name exists already."""


class MovedError(ApiError):
    """Somebody wrote to it since the version that was named."""


class FileRefusedError(ApiError):
    """The docker command does not take a compose file; it asked no daemon."""


class AbsentError(ApiError):
    """There is nothing of that id or name."""


class TimeUpError(ApiError):
    """A remote command was ended by its own time limit; what it had done stays done."""


def acting(swarm: SimSwarm, who: str, process: Process[T]) -> Process[T]:
    """Let everything that `process` does be known to be done by `who`."""
    while True:
        swarm.actor = who
        try:
            pause = next(process)
        except StopIteration as end:
            done: T = end.value
            return done
        finally:
            swarm.actor = ""
        yield pause


def within(swarm: SimSwarm, seconds: float, process: Process[T]) -> Process[T]:
    """Run a remote command under `timeout`: what it had begun stays, the rest never comes."""
    end = swarm.clock.now + seconds
    while True:
        try:
            pause = next(process)
        except StopIteration as stop:
            done: T = stop.value
            return done
        if swarm.clock.now + pause > end:
            yield max(0.0, end - swarm.clock.now)
            process.close()
            raise TimeUpError(f"exit code 124: not done after {seconds:g} s")
        yield pause


def settled(swarm: SimSwarm) -> Process[None]:
    """Wait while the daemon hangs; ApiError when it is down."""
    pause = _LOOK_AGAIN
    while swarm.frozen:
        yield pause
        pause = min(pause * 2, _LOOK_AGAIN_AT_MOST)
    if not swarm.daemon_up:
        raise ApiError(NO_DAEMON)


def check_leader(swarm: SimSwarm) -> None:
    """Raise ApiError if the daemon is no manager, or its Swarm has no leader."""
    if not swarm.active:
        raise ApiError(NO_MANAGER)
    if swarm.leaderless:
        raise ApiError(NO_LEADER)


def read(swarm: SimSwarm, action: Callable[[], T]) -> Process[T]:
    """Perform a single read: what it shows is from before in the first seconds without a quorum."""
    yield swarm.between(*_READ)
    yield from settled(swarm)
    check_leader(swarm)
    return action()


def write(swarm: SimSwarm, action: Callable[[], T]) -> Process[T]:
    """Perform `action` through raft, atomically, at the end of the time a write takes.

    Without a quorum the first write blocks 15 s and is then of unknown outcome: it may be
    found to have happened once the quorum is back. Later ones are refused at once.
    """
    yield swarm.between(*_WRITE)
    yield from settled(swarm)
    check_leader(swarm)
    waited = 0.0
    while swarm.quorum_lost_at is not None:
        if waited >= BLOCKED_WRITE_SECONDS:
            if swarm.rng.random() < _FOUND_LATER:
                swarm.limbo.append(_settling(swarm, action))
            raise OutcomeUnknownError(LOST_LEADER)
        yield _LOOK_AGAIN
        waited += _LOOK_AGAIN
    if not swarm.daemon_up:
        raise OutcomeUnknownError("error during connect: EOF")
    return action()


def _settling(swarm: SimSwarm, action: Callable[[], object]) -> Callable[[], None]:
    """Return what performs a write that was given up, once there is a quorum again."""
    who = swarm.actor

    def settle() -> None:
        swarm.actor = who
        with suppress(ApiError):
            action()
        swarm.actor = ""

    return settle


def delete_service(swarm: SimSwarm, service_id: str) -> bool:
    """Delete a service; False if it was not there (404)."""
    return rollout.remove_service(swarm, service_id)


def create_network(swarm: SimSwarm, stack: str, name: str) -> SimResource:
    """Create an overlay network."""
    made = SimResource(id=swarm.mint(), name=name, stack=stack, version=swarm.next_index())
    swarm.networks[made.id] = made
    swarm.tell(What.NETWORK_CREATED, stack, name)
    return made


def delete_network(swarm: SimSwarm, network_id: str) -> bool:
    """Delete a network; False if the Swarm has none of that id.

    Refused while a service uses it, but not while tasks are merely on their way out: those
    then leak their ingress addresses, and what the manager's own node still uses stays
    listed there (moby#37338, moby#29293).
    """
    network = swarm.networks.get(network_id)
    if network is None or network.deleted:
        return False
    for service in swarm.services.values():
        if network in service.networks:
            raise ApiError(
                "Error response from daemon: rpc error: code = FailedPrecondition desc ="
                f" network {network.id} is in use by service {service.id}"
            )
    network.deleted = True
    swarm.next_index()
    for task in swarm.tasks.values():
        if network in task.service.networks and not task.state.terminal:
            task.leaks = True
    swarm.tell(What.NETWORK_REMOVED, network.stack, network.name)
    return True


def create_config(
    swarm: SimSwarm, name: str, *, stack: str, labels: rollout.Labels = (), data: bytes = b"-"
) -> SimResource:
    """Create a config. Names are unique, whatever their case: of many at once, one wins."""
    if not 0 < len(data) < _CONFIG_BYTES:
        raise ApiError(
            "Error response from daemon: rpc error: code = InvalidArgument desc = config data"
            f" must be larger than 0 and less than {_CONFIG_BYTES} bytes"
        )
    made = _create(swarm, swarm.configs, "config", name, stack)
    made.labels, made.data = labels, data
    swarm.tell(What.CONFIG_CREATED, stack, name)
    return made


def create_secret(swarm: SimSwarm, name: str, *, stack: str) -> SimResource:
    """Create a secret, under the same rule."""
    made = _create(swarm, swarm.secrets, "secret", name, stack)
    swarm.tell(What.SECRET_CREATED, stack, name)
    return made


def _create(
    swarm: SimSwarm, kept: dict[str, SimResource], kind: str, name: str, stack: str
) -> SimResource:
    if any(other.name.lower() == name.lower() for other in kept.values()):
        raise TakenError(
            f"Error response from daemon: rpc error: code = AlreadyExists desc = {kind} {name}"
            " already exists"
        )
    made = SimResource(id=swarm.mint(), name=name, stack=stack, version=swarm.next_index())
    made.written_at = swarm.clock.now
    kept[made.id] = made
    return made


def update_config(
    swarm: SimSwarm, config_id: str, *, version: int, labels: rollout.Labels
) -> SimResource:
    """Set a config's labels if nobody did since `version`: a compare-and-swap."""
    config = config_by_id(swarm, config_id)
    if config.version != version:
        raise MovedError(
            "Error response from daemon: rpc error: code = Unknown desc = update out of sequence"
        )
    config.labels, config.version = labels, swarm.next_index()
    config.written_at = swarm.clock.now
    swarm.tell(What.CONFIG_UPDATED, config.stack, config.name)
    return config


def config_by_id(swarm: SimSwarm, config_id: str) -> SimResource:
    """Return a config; AbsentError if there is none of that id."""
    config = swarm.configs.get(config_id)
    if config is None:
        raise AbsentError(f"Error response from daemon: config {config_id} not found")
    return config


def config_by_name(swarm: SimSwarm, name: str) -> SimResource:
    """Return a config, whatever the case of its name; AbsentError if there is none."""
    for config in swarm.configs.values():
        if config.name.lower() == name.lower():
            return config
    raise AbsentError(f"Error response from daemon: config {name} not found")


def delete_config(swarm: SimSwarm, config_id: str) -> bool:
    """Delete a config by id; False if it was not there."""
    return _delete(swarm, swarm.configs, config_id, "config", What.CONFIG_REMOVED)


def delete_secret(swarm: SimSwarm, secret_id: str) -> bool:
    """Delete a secret by id; False if it was not there."""
    return _delete(swarm, swarm.secrets, secret_id, "secret", What.SECRET_REMOVED)


def _delete(
    swarm: SimSwarm, kept: dict[str, SimResource], wanted: str, kind: str, what: What
) -> bool:
    found = kept.get(wanted)
    if found is None:
        return False
    users = [service for service in swarm.services.values() if _refers(service, kind, found)]
    if users:
        raise ApiError(
            "Error response from daemon: rpc error: code = InvalidArgument desc ="
            f" {kind} '{found.name}' is in use by the following service: {users[0].name}"
        )
    del kept[wanted]
    swarm.next_index()
    swarm.tell(what, found.stack, found.name)
    return True


def _refers(service: SimService, kind: str, found: SimResource) -> bool:
    """Whether a service uses a config or secret: each does so with those of its own stack."""
    own = bool(found.stack) and service.stack == found.stack
    return own or (kind, found.name) in used(service.desired.facts)


def blocking_tasks(swarm: SimSwarm, stack: str) -> list[SimTask]:
    """Return the tasks of a stack that have not ended, as recorded."""
    return [t for t in swarm.tasks.values() if t.service.stack == stack and not t.state.terminal]
