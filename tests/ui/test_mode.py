import pytest

from orchestrator.ui.mode import Mode, choose_mode

TERMINAL = {"TERM": "xterm-256color"}


@pytest.mark.parametrize(
    ("as_json", "tty", "environ", "mode"),
    [
        (False, True, TERMINAL, Mode.LIVE),
        (False, True, TERMINAL | {"NO_COLOR": "1"}, Mode.LIVE),
        (False, True, TERMINAL | {"CI": "false"}, Mode.LIVE),
        (False, False, TERMINAL, Mode.LINES),
        (False, True, TERMINAL | {"CI": "true"}, Mode.LINES),
        (False, True, {"TERM": "dumb"}, Mode.LINES),
        (False, True, {"TERM": "unknown"}, Mode.LINES),
        (False, True, {}, Mode.LINES),
        (True, True, TERMINAL, Mode.JSON),
        (True, False, {}, Mode.JSON),
    ],
)
def test_who_listens_decides_how_a_run_is_shown(
    as_json: bool,  # noqa: FBT001 - a table's column, given by pytest
    tty: bool,  # noqa: FBT001 - a table's column, given by pytest
    environ: dict[str, str],
    mode: Mode,
) -> None:
    assert choose_mode(as_json=as_json, tty=tty, environ=environ) is mode
