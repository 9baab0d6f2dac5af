import pytest

from orchestrator.planning.asked import Asked, OnFailure
from orchestrator.planning.plan import Command
from orchestrator.planning.selection import Request

KKO = Request(sites=("kko",))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Asked(command=Command.DOWN, request=Request()), "down"),
        (Asked(command=Command.RESTART, request=KKO), "restart --site kko"),
        (
            Asked(
                command=Command.UP, request=KKO, refs={"app": "v1"}, on_failure=OnFailure.RESTORE
            ),
            "up --site kko --ref app=v1 --on-failure restore",
        ),
    ],
)
def test_a_command_is_said_as_it_was_typed(asked: Asked, words: str) -> None:
    assert asked.words == words
