"""Data that a deploy leaves without a user, and secrets and configs that it takes away. Pure."""

from collections.abc import Iterable, Iterator, Mapping

from orchestrator.fleet.desired import DesiredStack
from orchestrator.fleet.observed import Facts, Look, Sight, contents
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Action, Plan
from orchestrator.sources.model import Sourced

_VOLUME = "volume "
_REPLACED = (Action.RESTART, Action.UPDATE)


def left_behind(
    plan: Plan, looks: Mapping[str, Look], sourced: Mapping[Unit, Sourced]
) -> Iterator[str]:
    """Name, of each unit that is replaced, what its new compose file does not declare any more.

    A volume stays where it is, and nothing reads or writes it (docker stack rm removes no
    volumes). A secret or config goes with the stack when that is taken down; nobody can read a
    secret back.
    """
    for item in plan.units:
        look, source = looks.get(item.unit.site), sourced.get(item.unit)
        if item.action not in _REPLACED or source is None or not isinstance(look, Sight):
            continue
        where = f"{item.unit}: {item.compose} does not declare"
        if orphans := _orphans(look, source.desired):
            yield f"{where} {_listed('volume', orphans)}: the data stay, and nothing uses them"
        if item.action.removes:
            yield from (f"{where} {what}: gone for good" for what in _taken(look, source.desired))


def _orphans(look: Sight, desired: DesiredStack) -> list[str]:
    found = contents(look, desired.unit.stack)
    now = {name for service in found.services for name in _volumes(service.facts)}
    return sorted(now - {name for service in desired.services for name in _volumes(service.facts)})


def _volumes(facts: Facts) -> Iterator[str]:
    for fact in facts:
        if fact.kind == "mount" and fact.value.startswith(_VOLUME):
            yield fact.value.removeprefix(_VOLUME).partition(",")[0]


def _taken(look: Sight, desired: DesiredStack) -> Iterator[str]:
    found = contents(look, desired.unit.stack)
    for kind, there, declared in (
        ("secret", found.secrets, desired.secrets),
        ("config", found.configs, desired.configs),
    ):
        if names := sorted({resource.name for resource in there}.difference(declared)):
            yield _listed(kind, names)


def _listed(kind: str, names: Iterable[str]) -> str:
    every = list(names)
    return f"{kind}{'s' if len(every) > 1 else ''} {', '.join(every)}"
