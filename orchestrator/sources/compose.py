"""A compose file as `docker stack deploy` reads it: bytes in, desired state or problems out.

Nothing here touches a disk or a network. Whatever Docker would refuse while deploying is
refused here, because by then the old stack is gone. The rules are those of docker/cli 28.2.2
(cli/compose), measured with `docker stack config` where that shows them.
"""

from dataclasses import dataclass, field

from orchestrator.errors import Problem
from orchestrator.fleet.desired import DesiredStack
from orchestrator.fleet.unit import Unit
from orchestrator.fleet.usage import CONFIG, NETWORK, SECRET, VOLUME
from orchestrator.sources.combinations import check_combinations
from orchestrator.sources.convert import used_networks
from orchestrator.sources.document import Scalar, Table, items, table
from orchestrator.sources.findings import Findings
from orchestrator.sources.full_names import created
from orchestrator.sources.interpolate import Variables
from orchestrator.sources.labelled_document import expanded
from orchestrator.sources.links import check_links, external_names, file_references
from orchestrator.sources.model import Reference
from orchestrator.sources.port_specs import port_count
from orchestrator.sources.ports import LAST_PORT
from orchestrator.sources.reading import Reader
from orchestrator.sources.resolve import Resolver
from orchestrator.sources.schema import COMPOSE_FILE
from orchestrator.sources.service import service
from orchestrator.sources.shape import Shape
from orchestrator.sources.targets import check_targets
from orchestrator.sources.yaml_text import parse

MAX_VALUES = 100_000
"""What is deployed has its aliases written out. Docker's YAML library has a like limit."""
MAX_PORTS = 3 * LAST_PORT
"""All ports of all protocols. A few lines of ranges would come to millions."""
LAST_MINOR = 13
_KINDS = (NETWORK, CONFIG, SECRET, VOLUME)
VERSIONS = ("", "3", *(f"3.{minor}" for minor in range(LAST_MINOR + 1)))
"""What docker/cli 28 deploys; 20.10 ends at 3.9 and wants one to be given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """What a compose file says for one unit, and all that is wrong with it.

    With `problems` the rest is what could be read in spite of them. `variable_names` are those it
    uses. The services' facts are not here yet: they rest on the files that it refers to.
    """

    desired: DesiredStack
    variable_names: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    problems: tuple[Problem, ...] = ()
    root: Table = field(default=table(None), repr=False)
    """The file itself, variables resolved but for secret ones."""


def compose(
    content: bytes, *, file: str, unit: Unit, variables: Variables, declared: str = ""
) -> Composed:
    """Read a compose file for a unit.

    Args:
        content: the file, byte for byte.
        file: how the file is named in problems.
        unit: the stack at the site that it describes.
        variables: what may be interpolated.
        declared: where the inventory declares the unit, for the advice in problems.

    Returns:
        The desired state and the files it refers to; `problems` holds all that is wrong.

    """
    findings = Findings(file, unit, declared)
    tree = parse(content, findings)
    if tree is None:
        return Composed(desired=DesiredStack(unit=unit, services=()), problems=findings.problems)
    if (values := expanded(tree)) > MAX_VALUES:
        findings.add("too-large", f"its aliases multiply to {values} values, {MAX_VALUES} are read")
        return Composed(desired=DesiredStack(unit=unit, services=()), problems=findings.problems)
    resolver = Resolver(variables, findings)
    root = table(resolver.resolve(tree))
    bodies = [table(pair.value) for pair in table(root.get("services"))]
    if (ports := sum(port_count(body.get("ports"), Reader()) for body in bodies)) > MAX_PORTS:
        findings.add("too-large", f"its services publish {ports} ports, {MAX_PORTS} are read")
        return Composed(desired=DesiredStack(unit=unit, services=()), problems=findings.problems)
    return _read(root, resolver, findings)


def _read(root: Table, resolver: Resolver, findings: Findings) -> Composed:
    version = _version(root, findings)
    Shape(findings, _minor(version)).check(root, COMPOSE_FILE, "")
    services = _services(root, findings)
    for _, body in services:
        _passed_through(body, resolver)
    check_links(root, findings)
    check_targets(root, findings)
    check_combinations(root, findings)
    external = {kind: external_names(root, f"{kind}s", findings) for kind in _KINDS}
    return Composed(
        desired=DesiredStack(
            unit=findings.unit,
            services=tuple(service(name, body, findings) for name, body in services),
            networks=tuple(created(root, "networks", findings.unit.stack, _used(services, root))),
            configs=tuple(created(root, "configs", findings.unit.stack)),
            secrets=tuple(created(root, "secrets", findings.unit.stack)),
            volumes=tuple(created(root, "volumes", findings.unit.stack)),
            external_networks=tuple(external[NETWORK]),
            external_configs=tuple(external[CONFIG]),
            external_secrets=tuple(external[SECRET]),
            external_volumes=tuple(external[VOLUME]),
            external_at=tuple(
                ((kind, name), f"{findings.file}:{at.line}:{at.column}")
                for kind, names in external.items()
                for name, at in names.items()
            ),
        ),
        variable_names=tuple(resolver.names),
        references=file_references(root, findings),
        problems=findings.problems,
        root=root,
    )


def _used(services: list[tuple[str, Table]], root: Table) -> list[str]:
    """Name the networks that services use; a deploy creates no others."""
    reader = Reader()
    used = dict.fromkeys(key for _, body in services for key in used_networks(body, reader))
    declared = {"default", *(pair.key for pair in table(root.get("networks")))}
    return [key for key in used if key in declared]


def _version(root: Table, findings: Findings) -> str:
    tree = root.get("version")
    if tree is None:
        return ""
    value = tree.value if isinstance(tree, Scalar) else None
    if not isinstance(value, str):
        findings.add("bad-value", "`version` must be a string", tree.at, fix='quote it: "3.9"')
        return ""
    if isinstance(tree, Scalar) and tree.interpolated:
        what = "Docker puts no variables into `version`"
        findings.add("bad-version", what, tree.at, fix='write it out: "3.9"')
    elif value not in VERSIONS:
        findings.add(
            "bad-version",
            f"unsupported Compose file version: {value}",
            tree.at,
            fix="a Swarm takes 3.0 to 3.13, an older Docker 3.0 to 3.9",
        )
    return value


def _minor(version: str) -> int:
    _, _, minor = version.partition(".")
    return int(minor) if version in VERSIONS and minor else LAST_MINOR


def _services(root: Table, findings: Findings) -> list[tuple[str, Table]]:
    tree = root.get("services")
    if not isinstance(tree, Table) or not tree.pairs:
        findings.add(
            "no-services",
            "there are no services in this file",
            tree.at if tree else root.at,
            fix="is this the compose file? it must have a `services:` mapping",
        )
        return []
    return [(pair.key, pair.value) for pair in tree if isinstance(pair.value, Table)]


def _passed_through(body: Table, resolver: Resolver) -> None:
    """`- NAME` or `NAME:` under environment takes the value from where docker runs."""
    tree = body.get("environment")
    for pair in table(tree):
        if isinstance(pair.value, Scalar) and pair.value.value is None:
            resolver.needs(pair.key, pair.at)
    for item in () if isinstance(tree, Table) else items(tree):
        if isinstance(item, Scalar) and isinstance(item.value, str) and "=" not in item.value:
            resolver.needs(item.value, item.at)
