"""What the files say -> the Inventory that the rest trusts. Called once nothing is wrong."""

from typing import Literal

from orchestrator.errors import Problem
from orchestrator.fleet.desired import (
    HttpProbe,
    JsonExpectation,
    Policy,
    PostgresProbe,
    Prepull,
    Probe,
    TcpProbe,
    Via,
)
from orchestrator.fleet.freeze import Freeze, Once, Recurring
from orchestrator.fleet.guard import CommandGuard, Guard, HttpGuard
from orchestrator.fleet.unit import Unit
from orchestrator.inventory import placeholders
from orchestrator.inventory.declared import Declaration, Declared
from orchestrator.inventory.edges import edges
from orchestrator.inventory.model import (
    Inventory,
    Manager,
    Repo,
    Site,
    SiteState,
    Strategy,
    UnitSpec,
)
from orchestrator.inventory.schema import (
    CommandGuardText,
    HttpGuardText,
    HttpText,
    ManagerText,
    OnceText,
    PolicyText,
    PostgresText,
    RecurringText,
    SiteText,
    StackText,
    TcpText,
    managers_of,
)
from orchestrator.inventory.stackcheck import members
from orchestrator.inventory.times import local_time, zone_of


def build_inventory(declared: Declared, warnings: tuple[Problem, ...]) -> Inventory:
    """Return the inventory; every name in `declared` must have been checked."""
    text = declared.sites
    return Inventory(
        path=declared.document.file,
        managed_prefix=text.managed_prefix,
        managed=tuple(text.managed),
        ignored=tuple(text.ignore),
        coordinator=text.coordinator,
        repos=tuple(Repo(name=n, url=repo.url, ref=repo.ref) for n, repo in text.repos.items()),
        sites=tuple(_site(declared, name, site) for name, site in text.sites.items()),
        units=_units(declared),
        announce=tuple(text.announce),
        grafana_url=text.grafana_url,
        grafana_token=text.grafana_token,
        metrics=text.metrics,
        record_key_required=text.record_key == "required",
        warnings=warnings,
        freezes=tuple(_freeze(freeze) for freeze in text.freeze),
        guards=tuple(_guard(guard) for guard in text.guard),
    )


def _freeze(text: RecurringText | OnceText) -> Freeze:
    zone = zone_of(text.timezone)
    if isinstance(text, RecurringText):
        return Recurring(
            cron=text.cron, lasts_seconds=text.lasts, zone=zone, reason=text.reason.strip()
        )
    return Once(
        begins=local_time(text.begins).replace(tzinfo=zone),
        ends=local_time(text.ends).replace(tzinfo=zone),
        reason=text.reason.strip(),
    )


def _guard(text: CommandGuardText | HttpGuardText) -> Guard:
    if isinstance(text, CommandGuardText):
        return CommandGuard(
            name=text.name,
            command=tuple(text.command),
            timeout_seconds=text.timeout,
            reason=text.reason,
        )
    probe = HttpProbe(
        name=text.name,
        host=text.host,
        port=text.port,
        path=text.path,
        status=text.status,
        expect=tuple(JsonExpectation(path=p, equals=v) for p, v in text.expect.items()),
        via=Via(text.via),
        timeout_seconds=text.timeout,
    )
    return HttpGuard(name=text.name, probe=probe, reason=text.reason)


def _site(declared: Declared, name: str, text: SiteText) -> Site:
    first, *others = map(_manager, managers_of(text))
    return Site(
        name=name,
        manager=first,
        state=SiteState(text.state),
        note=text.note,
        groups=tuple(text.groups),
        position=str(declared.document.at_key(("sites", name))),
        others=tuple(others),
    )


def _manager(text: str | ManagerText) -> Manager:
    if isinstance(text, str):
        return Manager(host=text)
    return Manager(host=text.host, user=text.user, port=text.port)


def _units(declared: Declared) -> tuple[UnitSpec, ...]:
    depends_on: dict[Unit, list[Unit]] = {}
    for edge in edges(declared):
        depends_on.setdefault(edge.unit, []).append(edge.on)
    must_have = _expanded(declared, "services")
    finishes = _expanded(declared, "finishes")
    texts = declared.stack_texts
    return tuple(
        _unit(
            declared,
            declaration,
            texts[declaration.unit.stack],
            depends_on=tuple(dict.fromkeys(depends_on.get(declaration.unit, ()))),
            must_have=must_have[declaration.unit.stack],
            finishes=finishes[declaration.unit.stack],
        )
        for declaration in declared.declarations
    )


def _expanded(
    declared: Declared, key: Literal["services", "finishes"]
) -> dict[str, tuple[str, ...]]:
    """Return the services that each stack names with placeholders expanded, each name once."""
    lists = members(declared)
    return {
        name: tuple(
            dict.fromkeys(
                short
                for service in (text.services if key == "services" else text.finishes)
                for short in placeholders.each(service, lists)
            )
        )
        for name, text in declared.stack_texts.items()
    }


def _unit(
    declared: Declared,
    declaration: Declaration,
    stack: StackText,
    *,
    depends_on: tuple[Unit, ...],
    must_have: tuple[str, ...],
    finishes: tuple[str, ...],
) -> UnitSpec:
    own = declaration.text
    values = {
        placeholders.SITE: declaration.unit.site,
        placeholders.COORDINATOR: declared.sites.coordinator,
    }
    return UnitSpec(
        unit=declaration.unit,
        repo=stack.repo,
        compose=placeholders.fill(own.compose or stack.compose, values),
        depends_on=depends_on,
        must_have=must_have,
        probes=tuple(_probe(probe) for probe in stack.probes),
        requires=tuple(_probe(probe) for probe in stack.requires),
        variables=tuple(own.variables.items()),
        secret_variables=tuple(own.secret_variables),
        announce=stack.announce,
        strategy=Strategy(own.strategy or stack.strategy),
        public=tuple(stack.public),
        policy=_policy(stack.policy, finishes),
        description=stack.description,
        position=str(declared.document.at_key(declaration.trail)),
    )


def _probe(text: HttpText | TcpText | PostgresText) -> Probe:
    address = f"{text.host}:{text.port}"
    via = Via(text.via)
    name = text.name or f"{text.kind} {address}"
    if isinstance(text, HttpText):
        return HttpProbe(
            name=name,
            host=text.host,
            port=text.port,
            path=text.path,
            status=text.status,
            expect=tuple(JsonExpectation(path=p, equals=v) for p, v in text.expect.items()),
            via=via,
            timeout_seconds=text.timeout,
        )
    kind = TcpProbe if isinstance(text, TcpText) else PostgresProbe
    return kind(name=name, host=text.host, port=text.port, via=via, timeout_seconds=text.timeout)


def _policy(text: PolicyText, finishes: tuple[str, ...]) -> Policy:
    return Policy(
        remove_seconds=text.remove,
        healthy_seconds=text.healthy,
        stable_seconds=text.stable,
        poll_seconds=text.poll,
        failures=text.failures,
        no_node_seconds=text.no_node,
        prepull=Prepull(text.prepull),
        finishes=finishes,
    )
