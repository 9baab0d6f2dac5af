"""What an inventory says that a plan rests on, kept beside the plan to hold a later one against.

How sites are reached, their notes and where downtime is announced are no part of it: a run whose
manager died goes on through another.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256

from orchestrator.fleet.observed import Look, Sight
from orchestrator.inventory.model import Inventory, UnitSpec

Premises = Mapping[str, Mapping[str, str]]
"""By what it is said of ("" is the system as a whole): the value of each setting; of what is
long, or somebody's own, a hash."""

_SYSTEM = ""
_DIGITS = 12
_HASHED = frozenset({"services", "probes", "requires", "variables", "secret_variables", "policy"})
_UNKNOWN = (
    "an older dtdeploy planned it, which kept no list: a manager that died may stay first, with"
    " another behind it, as in manager: [DEAD, OTHER]; nothing else may be changed"
)


def premises(inventory: Inventory, salt: str) -> Premises:
    """Return what a plan made with `inventory` rests on; `salt` makes hashes hard to guess from."""
    system = {"managed_prefix": inventory.managed_prefix, "coordinator": inventory.coordinator}
    # Not what is ignored: to write that down is the way on where a stack of others is met.
    if inventory.managed:
        system["managed"] = ", ".join(inventory.managed)
    return {
        _SYSTEM: system,
        **{site.name: {"state": site.state.value} for site in inventory.sites},
        **{str(spec.unit): dict(_of_unit(spec, salt)) for spec in inventory.units},
    }


def departures(inventory: Inventory, *, rests_on: Premises, whole: str, salt: str) -> list[str]:
    """Say in what `inventory` is another than the one that a plan was made with, a line for each.

    Args:
        inventory: the one given now.
        rests_on: what the plan rests on; empty of plans that older versions made.
        whole: the `fingerprint` of the inventory it was made with, which stands for those.
        salt: as it was given to `premises`.

    """
    if not rests_on:
        return [] if whole == fingerprint(inventory) else [_UNKNOWN]
    now = premises(inventory, salt)
    return [
        line
        for subject in sorted(rests_on.keys() | now.keys())
        for line in _departures_of(subject, rests_on.get(subject), now.get(subject))
    ]


def swarms_of(looks: Mapping[str, Look]) -> Mapping[str, str]:
    """Return the id of the Swarm that was seen at each site (`/info`, Swarm.Cluster.ID)."""
    return {
        site: look.info.cluster_id
        for site, look in looks.items()
        if isinstance(look, Sight) and look.info.cluster_id
    }


def fingerprint(inventory: Inventory) -> str:
    """Return what tells two inventories apart, as all versions of dtdeploy write it down.

    Plans that name no premises are held against this alone, and it covers each site's manager,
    the first where there are several. Comments, order within files and descriptions do not count.
    """
    parts = [
        repr((inventory.managed_prefix, inventory.coordinator)),
        *sorted(repr((s.name, s.manager, s.state)) for s in inventory.sites),
        *sorted(
            repr(
                (
                    s.unit, s.repo, s.compose, s.depends_on, s.must_have, s.probes, s.requires,
                    s.variables, s.secret_variables, s.announce, s.strategy, s.policy,
                )
            )
            for s in inventory.units
        ),
    ]  # fmt: skip
    return sha256("\n".join(parts).encode()).hexdigest()


def _of_unit(spec: UnitSpec, salt: str) -> Iterator[tuple[str, str]]:
    """Yield the settings of a unit that are not what they are where nothing is said."""
    said: dict[str, object] = {
        "repo": spec.repo,
        "compose": spec.compose,
        "depends_on": ", ".join(map(str, spec.depends_on)),
        "services": spec.must_have,
        "probes": spec.probes,
        "requires": spec.requires,
        "variables": spec.variables,
        "secret_variables": spec.secret_variables,
        "announce": "yes" if spec.announce else "",
        "strategy": spec.strategy.value,
        "policy": spec.policy,
    }
    for name, value in said.items():
        if value:
            yield name, _hashed(salt, value) if name in _HASHED else str(value)


def _hashed(salt: str, value: object) -> str:
    return sha256(f"{salt}\n{value!r}".encode()).hexdigest()[:_DIGITS]


def _departures_of(
    subject: str, was: Mapping[str, str] | None, now: Mapping[str, str] | None
) -> Iterator[str]:
    if now is None:
        yield f"{subject} was declared, and is not"
    elif was is None:
        yield f"{subject} was not declared, and is"
    else:
        at = f"{subject}: " if subject else ""
        for name in sorted(was.keys() | now.keys()):
            before, after = was.get(name, ""), now.get(name, "")
            if before == after:
                continue
            if name in _HASHED:
                yield f"{at}{name} was something else"
            else:
                yield f"{at}{name} was {before or 'not given'}, and is {after or 'not given'}"
