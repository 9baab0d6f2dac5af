"""Journals of runs, told in a few words, and runs on the simulated fleet."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from orchestrator.cli.carry_out import follow
from orchestrator.cli.journals import Journals, MemoryJournals
from orchestrator.cli.reports import read_timeline
from orchestrator.cli.resuming import resume_in
from orchestrator.engine.journal import Entry, EntryKind, Json
from orchestrator.engine.journal_problems import problems_told
from orchestrator.engine.record import RunRecord, encode
from orchestrator.errors import ExitCode, Problem, Where
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Revision
from orchestrator.planning.plan import Action, Before, Command, Plan, UnitPlan
from orchestrator.report.read import timeline
from orchestrator.report.timeline import Timeline
from orchestrator.simulation.behaviour import Behaviour, Kind
from orchestrator.simulation.faults import Fault, FaultKind, inject
from tests.build import CLIENT, SERVER
from tests.cli.desk import Desk, order
from tests.simulated import simulated

PRESENT = Before(presence=Presence.PRESENT, revision="a" * 40)
PLAN = Plan(
    command=Command.RESTART,
    selection="--all",
    coordinator="home",
    revisions=(Revision("app", "b" * 40),),
    units=(
        UnitPlan(
            unit=SERVER,
            action=Action.RESTART,
            reason="selected",
            before=PRESENT,
            services=("server",),
            dependents=(CLIENT,),
        ),
        UnitPlan(unit=CLIENT, action=Action.RESTART, reason="depends on it", before=PRESENT),
    ),
    steps=(),
)
RECORD = RunRecord(
    run="r1",
    words="restart --all",
    plan=PLAN,
    inventory="f" * 64,
    created=1000.0,
    owner="ann",
    because="monthly",
)
BROKEN = Problem(
    code="deploy.unhealthy",
    what="it will not become healthy",
    exit_code=ExitCode.UNHEALTHY,
    where=Where(stack=CLIENT.stack, site=CLIENT.site),
    evidence=("<script>alert(1)</script> task: non-zero exit (1)",),
    fix="dtdeploy logs",
    runbook="service-not-healthy",
)


def opened(at: float, how: str = "begun", record: RunRecord = RECORD, **more: Json) -> Entry:
    data = base64.b64encode(encode(record)).decode()
    body: dict[str, Json] = {"how": how, "by": "ann@desk", "record": data, **more}
    return Entry(at=at, kind=EntryKind.OPENED, body=body)


def lock(at: float, words: str, more: Mapping[str, Json] = MappingProxyType({})) -> Entry:
    return Entry(at=at, kind=EntryKind.LOCK, body={"lock": words, **more})


def step(at: float, name: str, state: str, **more: Json) -> Entry:
    return Entry(at=at, kind=EntryKind.STEP, step=name, body={"state": state, **more})


def failed(at: float, name: str, problem: Problem = BROKEN) -> Entry:
    body = {"state": "failed", **problems_told([problem])}
    return Entry(at=at, kind=EntryKind.STEP, step=name, body=body)


def sent(at: float, name: str, effect: str = "RemoveServices", **more: Json) -> Entry:
    body: dict[str, Json] = {"effect": effect, "unit": name.rsplit(maxsplit=1)[-1], **more}
    return Entry(at=at, kind=EntryKind.INTENDED, step=name, body=body)


def answered(at: float, name: str, effect: str = "RemoveServices", **more: Json) -> Entry:
    body: dict[str, Json] = {"effect": effect, "result": "ok", "words": "gone", **more}
    return Entry(at=at, kind=EntryKind.OBSERVED, step=name, body=body)


def closed(
    at: float,
    code: int = 0,
    more: Mapping[str, Json] = MappingProxyType({}),
    *,
    kept: bool = False,
) -> Entry:
    body: dict[str, Json] = {"exit": code, "kept": kept, **more}
    return Entry(at=at, kind=EntryKind.CLOSED, body=body)


def removal(unit: object, begin: float, end: float) -> Iterator[Entry]:
    name = f"remove {unit}"
    yield step(begin, name, "started")
    yield sent(begin + 0.1, name)
    yield answered(begin + 0.2, name)
    yield step(end, name, "done", words="gone after a while")


def deploy(unit: object, begin: float, end: float) -> Iterator[Entry]:
    name = f"deploy {unit}"
    yield step(begin, name, "started")
    yield sent(begin + 0.1, name, "DeployStack", revision="app@bbbbbbbbbb")
    yield answered(begin + 0.5, name, "DeployStack", words="Creating service app_server")
    yield step(end, name, "done", words="healthy")


def settle(unit: object, begin: float, end: float) -> Iterator[Entry]:
    yield step(begin, f"settle {unit}", "started")
    yield step(end, f"settle {unit}", "done", words="stable")


def whole_restart() -> list[Entry]:
    """A restart that went well: the client down for 9 s, the server for 4 s within that."""
    return [
        opened(1000.0),
        lock(1000.5, "taken"),
        *removal(CLIENT, 1002.0, 1004.0),
        *removal(SERVER, 1004.0, 1006.0),
        *deploy(SERVER, 1006.0, 1008.0),
        *deploy(CLIENT, 1008.0, 1011.0),
        *settle(SERVER, 1008.0, 1018.0),
        *settle(CLIENT, 1011.0, 1020.0),
        lock(1020.5, "released"),
        closed(1021.0),
    ]


def read(*entries: Entry) -> Timeline:
    found = timeline(sorted(entries, key=lambda entry: entry.at))
    assert found is not None
    return found


def killed_and_resumed() -> Timeline:
    """Killed 7 s into it, the server gone; resumed after an hour."""
    before = [entry for entry in whole_restart() if entry.at < 1007.0]
    after = [
        opened(4600.0, "resumed"),
        lock(4600.2, "taken over", {"from": "ann@desk", "down": {str(SERVER): 1004.1}}),
        *deploy(SERVER, 4601.0, 4603.0),
        *deploy(CLIENT, 4603.0, 4605.0),
        *settle(SERVER, 4603.0, 4613.0),
        *settle(CLIENT, 4605.0, 4615.0),
        closed(4616.0),
    ]
    return read(*before, *after)


def simulated_restart(journals: Journals | None = None) -> Timeline:
    """Restart all of Datatrail on the simulated fleet."""
    desk = Desk(shared=simulated(generation=2), journals=journals or MemoryJournals())
    assert follow(desk.world(), order()) is ExitCode.DONE
    return _newest(desk)


def simulated_failure() -> Timeline:
    """Restart all, and have a server that crashes whenever it is started."""
    desk = Desk(shared=simulated(generation=2))
    behaviour = Behaviour(kind=Kind.CRASH_LOOP)
    fault = Fault(
        at=desk.shared.fleet.clock.now,
        kind=FaultKind.BEHAVE,
        site="chime",
        stack="datatrail",
        behaviour=behaviour,
    )
    inject(desk.shared.fleet, fault)
    assert follow(desk.world(), order()) is ExitCode.UNHEALTHY
    inject(desk.shared.fleet, replace(fault, behaviour=Behaviour()))
    desk.alive.clear()
    code = resume_in(desk.world(), "", take_over=True, yes=True, dry_run=False)
    assert code is ExitCode.DONE
    return _newest(desk)


def _newest(desk: Desk) -> Timeline:
    found = read_timeline(desk.journals, desk.journals.runs()[0])
    assert found is not None
    return found
