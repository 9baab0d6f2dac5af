import pytest

from orchestrator.errors import ExitCode, Problem, Retry
from orchestrator.words.again import names_a_command, waits_for_somebody, ways_again

AGAIN = "dtdeploy restart --all"
NOTHING = Retry()
LOST = Retry(adds=(("--accept-lost", "kko-w1@kko"),))
FROZEN = Retry(adds=(("--override-freeze",),))
LEFT_OUT = Retry(drops=(("--without", "kko"), ("--accept-unknown", "a@kko")), never=True)


def problem(retry: Retry = NOTHING, fix: str = "") -> Problem:
    return Problem(code="x.y", what="x", exit_code=ExitCode.SAFETY_REFUSED, fix=fix, retry=retry)


@pytest.mark.parametrize(
    ("command", "retries", "ways"),
    [
        (AGAIN, (NOTHING,), (AGAIN,)),
        (AGAIN, (), (AGAIN,)),
        (AGAIN, (LOST, NOTHING), (AGAIN,)),
        (AGAIN, (LOST,), (AGAIN, f"{AGAIN} --accept-lost kko-w1@kko --because TEXT")),
        (
            f"{AGAIN} --because 'no power'",
            (LOST, LOST, FROZEN),
            (
                f"{AGAIN} --because 'no power'",
                f"{AGAIN} --because 'no power' --accept-lost kko-w1@kko --override-freeze",
            ),
        ),
        (f"{AGAIN} --without kko --accept-unknown=a@kko --yes", (LEFT_OUT,), (f"{AGAIN} --yes",)),
        (
            f"{AGAIN} --without kko",
            (LEFT_OUT, LOST),
            (AGAIN, f"{AGAIN} --accept-lost kko-w1@kko --because TEXT"),
        ),
        (AGAIN, (Retry(first="dtdeploy up a@kko"),), (f"dtdeploy up a@kko && {AGAIN}",)),
    ],
)
def test_a_command_is_given_again_as_it_passes(
    command: str, retries: tuple[Retry, ...], ways: tuple[str, ...]
) -> None:
    assert ways_again(command, [problem(retry) for retry in retries]) == ways


def test_what_would_never_pass_waits_for_nobody() -> None:
    assert not waits_for_somebody([problem(LEFT_OUT)])
    assert waits_for_somebody([problem(LEFT_OUT), problem(LOST)])


def test_a_fix_may_name_a_command() -> None:
    assert names_a_command([problem(), problem(fix="dtdeploy lock")])
    assert not names_a_command([problem(fix="ssh kko true")])
