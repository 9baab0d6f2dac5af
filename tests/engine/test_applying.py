"""A run that applies a saved plan: held against the fleet under the lock, and applied once."""

from dataclasses import replace

from orchestrator.engine.applying import give_back
from orchestrator.errors import ExitCode
from orchestrator.fleet.observed import Look, Sight
from orchestrator.planning.asked import Asked
from orchestrator.planning.plan import Command, Plan, Step
from orchestrator.planning.plan_file import SavedPlan
from orchestrator.planning.saving import make_saved
from orchestrator.planning.selection import Request
from orchestrator.procedures.applied import Applied, find_applied, note_applied
from orchestrator.procedures.book import Book
from orchestrator.procedures.effects import ConfigAnswer, Procedure
from orchestrator.procedures.owed import OWED
from tests.build import CLIENT, SERVER, inventory, sourced
from tests.configs import ConfigEffect, Configs, refused, told
from tests.engine.test_session import BOTH, LEFT, Life, codes, fails_early, unless_lock

ASKED = Asked(command=Command.RESTART, request=Request(everything=True))


def apply(plan: Plan = BOTH, *, configs: Configs | None = None) -> tuple[Life, SavedPlan]:
    """Return a life that is to apply a plan saved now, and the plan."""
    life = Life(plan, configs=configs)
    saved = make_saved(
        inventory(),
        ASKED,
        plan,
        looks={site: life.fleet.look(site) for site in ("home", "far")},
        pins={},
        sourced={},
        images={},
        name="plan-1",
        creator="ann@desk",
        now=5000.0,
        lifetime=60.0,
    )
    life.use(replace(life.record, saved_plan=saved.id))
    return life, saved


def begin(life: Life, saved: SavedPlan) -> list[str]:
    end = life.session.begin({unit: sourced(unit) for unit in (SERVER, CLIENT)}, saved)
    return codes(end)


def noted(life: Life) -> object:
    return told(find_applied("home", "plan-1"), Configs(kept=dict(life.desk.configs.kept)))[0]


def test_a_plan_that_holds_is_carried_out_and_remembered() -> None:
    life, saved = apply()
    assert begin(life, saved) == []
    found = noted(life)
    assert isinstance(found, Applied)
    assert (found.plan, found.run, found.expires) == ("plan-1", "r1", 5060.0)
    assert life.started
    assert life.hold() is None


def test_it_is_remembered_before_the_first_step() -> None:
    life, saved = apply()
    seen: list[object] = []

    def looks_first(book: Book, step: Step) -> Procedure:
        seen.append(noted(life))
        return life.well(book, step)

    life.doing[life.record.plan.steps[0].id] = looks_first
    begin(life, saved)
    assert isinstance(seen[0], Applied)


def test_what_moved_while_the_lock_was_taken_is_named_and_nothing_done() -> None:
    """The presence and revision are the same: only a saved plan minds the rest."""
    life, saved = apply()
    look = life.fleet.look

    def scaled(site: str) -> Look:
        sight = look(site)
        assert isinstance(sight, Sight)
        more = tuple(replace(service, replicas=2, version=2) for service in sight.services)
        return replace(sight, services=more)

    life.desk.look = scaled
    assert begin(life, saved) == ["plan.fleet-moved"]
    assert (life.hold(), life.started, noted(life)) == (None, [], None)


def test_a_plan_that_another_run_applied_is_refused_under_the_lock() -> None:
    configs = Configs()
    his = Applied(plan="plan-1", run="r0", at=4990.0, expires=6000.0)
    told(note_applied("home", his), configs)
    life, saved = apply(configs=configs)
    assert begin(life, saved) == ["plan.used"]
    assert (life.hold(), life.started, noted(life)) == (None, [], his)


def test_what_cannot_be_remembered_is_not_begun() -> None:
    life, saved = apply()
    life.desk.configs.faults = [unless_lock(refused)] * 30
    assert begin(life, saved) == ["plan.use-unknown"]
    assert (life.hold(), life.started) == (None, [])


def test_a_run_that_touched_nothing_leaves_its_plan_unused() -> None:
    life, saved = apply()
    for unit in (SERVER, CLIENT):
        life.doing[f"remove {unit}"] = fails_early
    assert life.session.begin({}, saved).exit_code is ExitCode.UNHEALTHY
    assert noted(life) is None


def test_a_plan_whose_debts_cannot_be_written_down_is_unused_too() -> None:
    life, saved = apply(LEFT)

    def unless_owed(configs: Configs, effect: ConfigEffect) -> ConfigAnswer:
        owed = getattr(effect, "name", "") == OWED
        return refused(configs, effect) if owed else configs.apply(effect)

    life.desk.configs.faults = [unless_owed] * 99
    assert begin(life, saved) == ["owed.unknown"]
    assert (life.hold(), life.started, noted(life)) == (None, [], None)


def test_a_resumed_run_does_not_ask_whether_its_plan_was_applied() -> None:
    life, saved = apply()
    mine = Applied(plan=saved.id, run="r1", at=4990.0, expires=6000.0)
    told(note_applied("home", mine), life.desk.configs)
    end = life.resume(touched=True)
    assert codes(end) == []
    assert noted(life) == mine


def test_a_run_without_a_saved_plan_has_nothing_to_give_back() -> None:
    life = Life()
    assert give_back(life.means, "home", life.record) is None
    assert life.desk.submitted == []
