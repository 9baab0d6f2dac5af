from orchestrator.fleet.presence import Presence
from orchestrator.planning.plan import Action, Before, Command, Plan, UnitPlan
from orchestrator.procedures.book import Book
from tests.build import CLIENT, DAEMONS, HOME_CLIENT, SERVER, inventory, sourced

ACTIONS = {SERVER: Action.RESTART, DAEMONS: Action.DOWN, HOME_CLIENT: Action.KEEP}
PLAN = Plan(
    command=Command.RESTART,
    selection="",
    coordinator="home",
    revisions=(),
    units=tuple(
        UnitPlan(unit=unit, action=action, reason="", before=Before(presence=Presence.GONE))
        for unit, action in ACTIONS.items()
    ),
    steps=(),
)
SOURCES = {unit: sourced(unit) for unit in (SERVER, HOME_CLIENT, CLIENT)}
BOOK = Book(
    run="r1",
    inventory=inventory(),
    plan=PLAN,
    sourced=SOURCES,
)


def test_what_is_kept_is_not_acted_on() -> None:
    assert BOOK.acted_at("home") == (SERVER, DAEMONS)
    assert BOOK.acted_at("far") == ()


def test_only_what_has_sources_is_deployed() -> None:
    assert BOOK.deployed_at("home") == (SERVER,)


def test_what_is_declared_is_so_for_one_site() -> None:
    assert BOOK.declared_at("home") == {"app", "app-daemons", "app-client"}
    assert BOOK.declared_at("far") == {"app-client"}
