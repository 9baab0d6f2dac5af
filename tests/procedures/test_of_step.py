import pytest

from orchestrator.fleet.presence import Presence
from orchestrator.planning.plan import Action, Before, Command, Plan, Step, StepKind, UnitPlan
from orchestrator.procedures.book import Book
from orchestrator.procedures.effects import (
    Done,
    Examine,
    Observe,
    ShipRelease,
    Sleep,
)
from orchestrator.procedures.of_step import procedure_for
from tests.build import CLIENT, inventory, sourced
from tests.drive import drive

PLAN = Plan(
    command=Command.RESTART,
    selection="",
    coordinator="home",
    revisions=(),
    units=(
        UnitPlan(
            unit=CLIENT,
            action=Action.RESTART,
            reason="",
            before=Before(presence=Presence.PRESENT),
        ),
    ),
    steps=(),
)
BOOK = Book(run="r1", inventory=inventory(), plan=PLAN, sourced={CLIENT: sourced(CLIENT)})


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        (StepKind.EXAMINE, Examine),
        (StepKind.PREPARE, ShipRelease),
        (StepKind.REMOVE, Sleep),
        (StepKind.DEPLOY, Observe),
        (StepKind.SETTLE, Sleep),
    ],
)
def test_each_kind_of_step_has_its_procedure(kind: StepKind, first: type) -> None:
    step = Step(id="x", kind=kind, site="far", unit=CLIENT)
    assert isinstance(next(procedure_for(BOOK, step)), first)


def test_a_gate_does_nothing() -> None:
    step = Step(id="x", kind=StepKind.GATE, site="far")
    driven = drive(procedure_for(BOOK, step), lambda *_: pytest.fail("a look"), lambda *_: None)
    assert driven.outcome == Done()
    assert driven.effects == []


def test_a_removal_goes_on_with_a_look() -> None:
    procedure = procedure_for(BOOK, Step(id="x", kind=StepKind.REMOVE, site="far", unit=CLIENT))
    next(procedure)
    assert procedure.send(0.0) == Observe(site="far")


@pytest.mark.parametrize("kind", [StepKind.REMOVE, StepKind.DEPLOY, StepKind.SETTLE])
def test_a_step_about_a_unit_must_name_one(kind: StepKind) -> None:
    with pytest.raises(ValueError, match="step x names no unit"):
        procedure_for(BOOK, Step(id="x", kind=kind, site="far"))
