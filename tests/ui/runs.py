"""Runs that hold a lock, and how they end, to show."""

from orchestrator.engine.report import RunEnd
from orchestrator.engine.schedule import State
from orchestrator.errors import ExitCode, Problem, Where
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import LeftOut, Plan
from orchestrator.planning.progress import Mark, UnitProgress
from orchestrator.procedures.hold import Goal, Hold, Holder, Phase
from orchestrator.procedures.owed import Owed
from orchestrator.ui.holding import HeldRun, Life
from orchestrator.ui.lock_view import RunState
from tests.ui.values import CLIENTS, CRASH, DAEMONS, KKO, SERVER, report_of, restart_all

RUN = "20261122T030000-ab12cd"
NOW = 1_795_316_400.0
PLAN: Plan = restart_all()
GBO = CLIENTS[3]
BROKEN = report_of(
    PLAN,
    {f"deploy {KKO}": State.FAILED, f"settle {KKO}": State.SKIPPED},
    {f"deploy {KKO}": (CRASH,)},
)
STOPPED = report_of(
    PLAN,
    {
        f"{kind} {unit}": State.STOPPED if unit == SERVER and kind == "deploy" else State.WAITING
        for kind in ("deploy", "settle")
        for unit in (SERVER, DAEMONS, *CLIENTS)
    },
    interrupted=True,
)


def held(life: Life = Life.ALIVE, **other: object) -> HeldRun:
    values: dict[str, object] = {
        "run": RUN,
        "words": "restart --all",
        "holder": Holder(owner="ana", host="control1", pid=4711, session="s"),
        "started": NOW - 200.0,
        "beat": NOW - 3.0,
        "phase": Phase.STOPPED if life is Life.STOPPED else Phase.REMOVING,
        "touched": True,
        "down": ((SERVER, NOW - 192.0),),
    }
    hold = Hold(**(values | other))  # type: ignore[arg-type] # keyword values are the caller's own
    return HeldRun(hold=hold, life=life, coordinator="chime", now=NOW)


HELD = {
    "alive": held(),
    "stopped": held(Life.STOPPED, beat=NOW - 400.0),
    "dead": held(Life.DEAD, beat=NOW - 400.0),
    "frozen": held(Life.FROZEN, beat=NOW - 400.0),
    "silent": held(Life.SILENT, beat=NOW - 90_000.0),
    "going-back": held(Life.STOPPED, goal=Goal.RESTORE),
    "fast-clock": held(beat=NOW + 10.0),
}


def marked(unit: Unit, mark: Mark, words: str) -> UnitProgress:
    return UnitProgress(unit=unit, mark=mark, words=words, done=frozenset())


HALF_WAY = RunState(
    units=(
        marked(SERVER, Mark.TODO, "gone, to be deployed"),
        marked(DAEMONS, Mark.TODO, "gone, to be deployed"),
        marked(CLIENTS[0], Mark.TODO, "deploy begun, to be finished"),
        marked(KKO, Mark.DONE, "deployed"),
        marked(GBO, Mark.UNKNOWN, "cannot be seen, was seen gone"),
    ),
    done=17,
    steps=26,
    because="new images",
)
OWED = (Owed(unit=KKO, run=RUN, since=NOW - 7200.0, reason="datatrail-client@kko: no image"),)


def with_left_out(plan: Plan) -> Plan:
    left = LeftOut(unit=GBO, reason="its link is down (nobody could tell)", accepted=True)
    return Plan(
        command=plan.command,
        selection=f"{plan.selection} --without gbo --accept-unknown {GBO}",
        coordinator=plan.coordinator,
        revisions=plan.revisions,
        units=tuple(item for item in plan.units if item.unit != GBO),
        steps=tuple(step for step in plan.steps if step.site != "gbo"),
        dangers=(f"{GBO} may run on while what it needs goes down: nobody can tell",),
        left_out=(left,),
        because="its link is down",
        risk=plan.risk,
    )


WITHOUT = with_left_out(PLAN)
ENDS = {
    "done": RunEnd(run=RUN, plan=PLAN, report=report_of(PLAN, {})),
    "kept": RunEnd(run=RUN, plan=PLAN, report=STOPPED, kept=True),
    "broke-later": RunEnd(
        run=RUN,
        plan=PLAN,
        report=report_of(PLAN, {}),
        problems=(
            Problem(
                code="run.broke-later",
                what=f"{KKO} was healthy, and is not any more",
                exit_code=ExitCode.UNHEALTHY,
                where=Where(site=KKO.site, stack=KKO.stack),
                fix=f"dtdeploy up {KKO}",
            ),
        ),
    ),
    "owing": RunEnd(run=RUN, plan=PLAN, report=BROKEN, owed=OWED),
    "left-out": RunEnd(run=RUN, plan=WITHOUT, report=report_of(WITHOUT, {})),
    "restored": RunEnd(
        run=RUN, plan=PLAN, report=BROKEN, way_back=PLAN, restored=report_of(PLAN, {})
    ),
    "not-restored": RunEnd(
        run=RUN, plan=PLAN, report=BROKEN, way_back=PLAN, restored=STOPPED, kept=True
    ),
}
CODES = {
    "done": ExitCode.DONE,
    "broke-later": ExitCode.UNHEALTHY,
    "kept": ExitCode.INTERRUPTED,
    "owing": ExitCode.UNHEALTHY,
    "left-out": ExitCode.DONE,
    "restored": ExitCode.RESTORED,
    "not-restored": ExitCode.UNHEALTHY,
}
