"""What nodes that nobody can see mean for a plan. Pure.

A container on such a node may run on. So the tasks that were last seen there count, until somebody
answers for the node; and where none of a unit that goes down was seen there, nothing stops for it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from orchestrator.errors import ExitCode, Problem, Retry, UsageError, Where
from orchestrator.fleet.nodes import Missing, missing_nodes, overlook, quorum_words
from orchestrator.fleet.observed import Facts, Look, Node, NodeState, Service, Sight, Task
from orchestrator.fleet.placement import constraints_of, meets, unplaceable
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory
from orchestrator.planning.plan import LostNode, LostTask, Plan
from orchestrator.planning.selection import Request, dependents
from orchestrator.sources.model import Sourced

_MOST = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A missing node of a site, and the tasks there of units that have to be gone.

    `via` is the manager that said so, as in a look.
    """

    site: str
    missing: Missing
    tasks: tuple[LostTask, ...]
    via: str = ""

    @property
    def name(self) -> str:
        """The node as `--accept-lost` takes it."""
        return f"{self.missing.name}@{self.site}"

    @property
    def state(self) -> str:
        """What the Swarm says of it."""
        return self.missing.node.state.value

    @property
    def words(self) -> str:
        """The node and its state, and what was last seen there."""
        found: dict[Unit, list[str]] = {}
        for task in self.tasks:
            found.setdefault(task.unit, []).append(task.name)
        tasks = "; ".join(f"{', '.join(_few(names))} of {unit}" for unit, names in found.items())
        here = f"node {self.missing.name} of {self.site} is {self.state}"
        return f"{here}, and {tasks} last ran there" if tasks else here


def must_be_gone(inventory: Inventory, plan: Plan, *, without: frozenset[str]) -> frozenset[Unit]:
    """Return what the plan takes down and all that depends on it, but at sites left out."""
    removed = frozenset(item.unit for item in plan.units if item.action.removes)
    every = removed | dependents(inventory, removed)
    return frozenset(unit for unit in every if unit.site not in without)


def weigh(site: str, look: Look, units: frozenset[Unit]) -> tuple[Weighed, ...]:
    """Return the missing nodes of a site, each with what was last seen there of `units`."""
    if not isinstance(look, Sight):
        return ()
    names = {service.id: service.name for service in look.services}
    return tuple(
        Weighed(
            site=site,
            missing=missing,
            tasks=tuple(
                LostTask(id=task.id, unit=unit, name=_task_name(names, task))
                for task in missing.tasks
                if (unit := Unit(stack=task.stack, site=site)) in units
            ),
            via=look.via,
        )
        for missing in missing_nodes(look)
    )


def lost_names(looks: Iterable[Look], units: frozenset[Unit]) -> tuple[str, ...]:
    """Return the nodes, NODE@SITE, that nobody can see and where some of `units` was last seen."""
    return tuple(w.name for look in looks for w in weigh(look.site, look, units) if w.tasks)


def with_lost(
    inventory: Inventory,
    request: Request,
    plan: Plan,
    looks: Mapping[str, Look],
    *,
    sourced: Mapping[Unit, Sourced],
) -> Plan:
    """Return the plan with the nodes that stand in its way, those that do not, and what to do.

    Args:
        inventory: everything that is declared.
        request: what was typed; its nodes in `accept_lost` are answered for.
        plan: what is to be done.
        looks: a look at every contacted site.
        sourced: what is to run, of each unit that is deployed.

    Raises:
        UsageError: there is no node of a name that is to be accepted as lost.

    """
    if problems := list(_unknown(request, looks)):
        raise UsageError(problems)
    units = must_be_gone(inventory, plan, without=frozenset(request.without))
    sites = dict.fromkeys((*(step.site for step in plan.steps), *sorted(u.site for u in units)))
    found = [w for site in sites if site in looks for w in weigh(site, looks[site], units)]
    lost = tuple(_lost(w, accepted=_is_accepted(request, w)) for w in found if w.tasks)
    dangers = [_danger(request, w) for w in found if w.tasks]
    dangers += [
        f"{unit.site}: {out.words}"
        for unit, source in sourced.items()
        if isinstance(look := looks.get(unit.site), Sight)
        for out in unplaceable(source.desired, look)
    ]
    warnings = [
        words
        for w in found
        if not w.tasks
        for words in (f"{w.words}; nothing of what goes down was seen there", way_out(inventory, w))
    ]
    warnings += list(_needless(request, looks))
    warnings += [words for site in sites for words in _quorum(site, looks.get(site))]
    warnings += [words for site in sites for words in _strange(inventory, looks.get(site))]
    return replace(
        plan, lost=lost, dangers=(*dangers, *plan.dangers), warnings=(*plan.warnings, *warnings)
    )


def missing_words(inventory: Inventory, looks: Mapping[str, Look]) -> tuple[str, ...]:
    """Say which nodes are missing at each site, what last ran there, and if managers are."""
    units = frozenset(spec.unit for spec in inventory.units)
    return tuple(
        words
        for site, look in looks.items()
        for words in (*(w.words for w in weigh(site, look, units)), *_quorum(site, look))
    )


def _quorum(site: str, look: Look | None) -> tuple[str, ...]:
    words = quorum_words(look) if isinstance(look, Sight) else ""
    return (f"{site}: {words}",) if words else ()


def _strange(inventory: Inventory, look: Look | None) -> Iterator[str]:
    """Say where nothing shows that the first manager is of the Swarm that is seen.

    Preflight compares all that answer. One that does not is known by its node's name alone.
    """
    if not isinstance(look, Sight) or not look.via:
        return
    first = inventory.site(look.site).manager.host
    hosts = {first, first.partition(".")[0]}
    if hosts.isdisjoint(node.hostname for node in look.nodes if node.manager):
        yield (
            f"{look.site} is seen through {look.via}, since {first} does not answer; none of the "
            f"managers that it knows is called {first}: is it of the same Swarm?"
        )


def amended(inventory: Inventory, plan: Plan, looks: Mapping[str, Look], request: Request) -> Plan:
    """Return the plan of an unfinished run with more nodes that somebody answers for now.

    Args:
        inventory: everything that is declared.
        plan: the plan that is gone on with.
        looks: a look at every site where something of it has to be gone.
        request: what was typed: nodes in `accept_lost`, and why.

    Raises:
        UsageError: there is no node of such a name.

    """
    if problems := list(_unknown(request, looks)):
        raise UsageError(problems)
    sites = frozenset(item.unit.site for item in plan.left_out)
    units = must_be_gone(inventory, plan, without=sites)
    more = [
        weighed
        for site, look in looks.items()
        for weighed in weigh(site, overlook(look, plan.lost_tasks), units)
        if weighed.tasks and _is_accepted(request, weighed)
    ]
    return replace(
        plan,
        lost=(*plan.lost, *(_lost(w, accepted=True) for w in more)),
        dangers=(*plan.dangers, *(_danger(request, w) for w in more)),
    )


def counted(plan: Plan, looks: Mapping[str, Look]) -> dict[str, Look]:
    """Return the looks without the tasks that count as gone for this plan."""
    return {site: overlook(look, plan.lost_tasks) for site, look in looks.items()}


def way_out(inventory: Inventory, weighed: Weighed) -> str:
    """Return the line that takes a node out of its Swarm, and when to type it."""
    line = rm_line(inventory.site(weighed.site).ssh(weighed.via), weighed.missing)
    return f"{line}   # if its machine is off, for good"


def rm_line(ssh: str, missing: Missing) -> str:
    """Return the command that takes a node out of its Swarm, as it is typed anywhere.

    A manager has to be demoted first: `docker node rm` refuses it, forced or not.
    """
    name = missing.name
    first = f"docker node demote {name} && " if missing.node.manager else ""
    words = f"{first}docker node rm --force {name}"
    return f"ssh {ssh} " + (f"'{words}'" if first else words)


def would_be_lost(sight: Sight, missing: Missing) -> tuple[str, ...]:
    """Say what would go with a node: volumes of what last ran there, and what needs just it."""
    ran = {task.service_id for task in missing.tasks}
    return tuple(
        words for service in sight.services for words in _of_service(sight, missing, service, ran)
    )


def _of_service(sight: Sight, missing: Missing, service: Service, ran: set[str]) -> Iterator[str]:
    constraints = constraints_of(service.facts)
    others = [node for node in sight.nodes if node.id != missing.node.id]
    alone = meets(missing.node, constraints) and not any(meets(n, constraints) for n in others)
    if alone and constraints:
        yield f"{service.name} may run nowhere else: {', '.join(constraints)}"
    volumes = volumes_of(service.facts)
    if volumes and (alone or service.id in ran):
        yield f"{service.name} keeps data there: volume {', '.join(volumes)}"


def nodes_in_the_way(
    inventory: Inventory, looks: Iterable[Look], units: frozenset[Unit]
) -> tuple[Problem, ...]:
    """Refuse that `units` go down: what is seen of them is not all, for nodes are missing."""
    return tuple(
        node_in_the_way(weighed, look, inventory.site(look.site).manager.target)
        for look in looks
        if isinstance(look, Sight)
        for weighed in weigh(look.site, look, units)
        if weighed.tasks
    )


def volumes_of(facts: Facts) -> tuple[str, ...]:
    """Return the volumes of a service, as NAME at PATH."""
    return tuple(
        f"{fact.value.removeprefix('volume ')} at {fact.item}"
        for fact in facts
        if fact.kind == "mount" and fact.value.startswith("volume ")
    )


def node_in_the_way(weighed: Weighed, sight: Sight, ssh: str) -> Problem:
    """Refuse: something that has to be gone was last seen where nobody can see it."""
    return Problem(
        code="swarm.node-not-ready",
        what=f"{weighed.words}: containers may run on there, and nobody can see them",
        exit_code=ExitCode.SAFETY_REFUSED,
        where=Where(site=weighed.site),
        evidence=(
            *would_be_lost(sight, weighed.missing),
            f"{rm_line(ssh, weighed.missing)}   # if its machine is off, for good",
        ),
        fix=(
            f"{_first(weighed)}; or, if its machine is off for certain, add to the command: "
            f"--accept-lost {weighed.name} --because TEXT"
        ),
        retry=Retry(adds=(("--accept-lost", weighed.name),)),
        state_left="nothing was touched",
        runbook="node-lost",
    )


def _first(weighed: Weighed) -> str:
    """Say what to try first."""
    if _doubted(weighed):
        return "type the same again in 30 s: the Swarm has just changed its leader"
    return "bring it back"


def _doubted(weighed: Weighed) -> bool:
    """Whether a node is merely not known yet: to a new leader all are, for up to 30 s.

    (swarmkit manager/dispatcher, markNodesUnknown.)
    """
    return weighed.missing.node.state is NodeState.UNKNOWN


def _lost(weighed: Weighed, *, accepted: bool) -> LostNode:
    return LostNode(name=weighed.name, state=weighed.state, tasks=weighed.tasks, accepted=accepted)


def _danger(request: Request, weighed: Weighed) -> str:
    if _is_accepted(request, weighed):
        why = request.because.strip()
        return f"{weighed.words}: taken for gone, though nobody can see whether it is: {why}"
    wait = "; it may be known again in 30 s" if _doubted(weighed) else ""
    return (
        f"{weighed.words}, and may run on: refused without "
        f"--accept-lost {weighed.name} --because TEXT{wait}"
    )


def _is_accepted(request: Request, weighed: Weighed) -> bool:
    names = {weighed.name, f"{weighed.missing.node.hostname}@{weighed.site}"}
    return not names.isdisjoint(request.accept_lost)


def _needless(request: Request, looks: Mapping[str, Look]) -> Iterator[str]:
    """Say which nodes are answered for and can be seen."""
    for asked in request.accept_lost:
        name, _, site = asked.rpartition("@")
        look = looks.get(site)
        states = {n.state for n in _called(name, look)} if isinstance(look, Sight) else set()
        if states == {NodeState.READY}:
            yield f"node {name} of {site} is ready: whatever runs there counts"


def _called(name: str, sight: Sight) -> tuple[Node, ...]:
    return tuple(node for node in sight.nodes if name in (node.hostname, node.id))


def _unknown(request: Request, looks: Mapping[str, Look]) -> Iterator[Problem]:
    for asked in request.accept_lost:
        name, _, site = asked.rpartition("@")
        look = looks.get(site)
        if not isinstance(look, Sight):
            continue
        if not _called(name, look):
            yield Problem(
                code="selection.unknown-node",
                what=f"the Swarm of {site} has no node called {name!r}",
                exit_code=ExitCode.USAGE,
                where=Where(site=site),
                fix=f"its nodes are {', '.join(sorted(n.hostname for n in look.nodes))}; "
                "a node that was removed from the Swarm needs no flag",
            )


def _task_name(names: Mapping[str, str], task: Task) -> str:
    name = names.get(task.service_id, "")
    short = name.removeprefix(f"{task.stack}_") or f"a removed service {task.service_id[:12]}"
    return f"{short}.{task.slot}" if task.slot.isdigit() else short


def _few(names: list[str]) -> list[str]:
    more = len(names) - _MOST
    return [*names[:_MOST], f"{more} more"] if more > 0 else names
