from datetime import UTC, datetime

import pytest

from orchestrator.errors import ExitCode, Problem
from orchestrator.planning import refusals
from orchestrator.planning.asked import Asked
from orchestrator.planning.plan import Command
from orchestrator.planning.selection import Request

ASKED = Asked(
    command=Command.UP,
    request=Request(everything=True, without=("far",), because="its link is down"),
    refs={"app": "v1"},
)
AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECONDS = AT.timestamp()


@pytest.mark.parametrize(
    ("problem", "code", "words"),
    [
        (refusals.expired(ASKED, AT, SECONDS), "plan.expired", "2026-11-22 12:00:00 UTC, 0 s ago"),
        (refusals.expired(ASKED, AT, SECONDS + 600), "plan.expired", "10 min ago"),
        (refusals.used(ASKED, "r7", SECONDS, SECONDS + 9000), "plan.used", "by run r7, 2 h ago"),
        (refusals.used(ASKED, "", SECONDS, SECONDS - 5), "plan.used", "by run unknown, 0 s ago"),
        (refusals.other_inventory(ASKED, ["x"]), "plan.other-inventory", "another inventory"),
        (refusals.unexpected_hash("a" * 12, "b" * 64), "plan.unexpected-hash", "b" * 12),
        (refusals.ref_moved(ASKED, ["main moved", "v1 moved"]), "plan.ref-moved", "main moved"),
        (refusals.saved_fleet_moved(ASKED, ["x"]), "plan.fleet-moved", "the fleet is not any more"),
    ],
)
def test_each_refusal_has_a_code_and_a_way_on(problem: Problem, code: str, words: str) -> None:
    assert problem.code == code
    assert words in problem.what
    assert problem.exit_code is ExitCode.PLAN_STALE
    assert problem.fix
    assert problem.state_left == "nothing was touched"


def test_the_way_on_plans_what_was_planned_before() -> None:
    line = (
        "dtdeploy plan --for up --all --without far --ref app=v1"
        " --because 'its link is down' --out FILE"
    )
    assert refusals.saved_fleet_moved(ASKED, ["x"]).fix.endswith(line)
