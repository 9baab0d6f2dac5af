from tests.lab.test_runbooks import LINES, NOT_TYPED, TYPED


def test_every_line_is_typed_or_it_is_said_why_not() -> None:
    """Before anything is run: a new line of a runbook may be one that no test should type."""
    assert set(LINES) == TYPED | set(NOT_TYPED)
    assert not TYPED & set(NOT_TYPED)
