from orchestrator.fleet.unit import Revision, Unit


def test_units_are_written_stack_at_site() -> None:
    assert str(Unit(stack="app-client", site="far")) == "app-client@far"


def test_revisions_are_shown_short() -> None:
    revision = Revision(repo="app", sha="0123456789abcdef" + "0" * 24)
    assert revision.short == "0123456789"
    assert str(revision) == "app@0123456789"
