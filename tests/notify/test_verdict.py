import pytest

from orchestrator.notify.verdict import judge, together
from orchestrator.procedures.effects import Result


@pytest.mark.parametrize(
    ("said", "result"),
    [
        ((), Result.UNKNOWN),
        (("Failed to send Slack notification: error=403.",), Result.FAILED),
        (("Failed: Server Error, error=500.", "Failed: error=404."), Result.FAILED),
        (("Failed: error=500.", "Failed: error=504."), Result.UNKNOWN),
        (("Failed: error=200.",), Result.UNKNOWN),
        (("Sent Slack notification to #a.", "Failed: error=404."), Result.UNKNOWN),
        (("Socket Exception: [Errno 111] Connection refused",), Result.FAILED),
        (("Socket Exception: HTTPSConnectionPool: Read timed out.",), Result.UNKNOWN),
        (("Socket Exception: ('Connection aborted.', RemoteDisconnected(",), Result.UNKNOWN),
        (("Socket Exception: Failed to resolve 'x' ([Errno -2]",), Result.FAILED),
        (
            ("Socket Exception: Connection to x timed out. (connect timeout=8.0)",),
            Result.FAILED,
        ),
        (("Socket Exception: Connection refused", "Socket Exception: reset"), Result.UNKNOWN),
    ],
)
def test_only_a_clean_no_is_a_no(said: tuple[str, ...], result: Result) -> None:
    assert judge(accepted=False, said=said)[0] is result


def test_a_yes_is_a_yes_whatever_was_said() -> None:
    assert judge(accepted=True, said=("Failed: error=500.",)) == (Result.OK, "accepted")


@pytest.mark.parametrize(
    ("results", "whole"),
    [
        ([Result.OK, Result.FAILED, Result.UNKNOWN], Result.OK),
        ([Result.FAILED, Result.UNKNOWN], Result.UNKNOWN),
        ([Result.FAILED, Result.FAILED], Result.FAILED),
    ],
)
def test_one_yes_is_enough_and_one_unknown_leaves_it_so(
    results: list[Result], whole: Result
) -> None:
    named = [(f"N{number}", result, "words") for number, result in enumerate(results)]
    assert together(named)[0] is whole
