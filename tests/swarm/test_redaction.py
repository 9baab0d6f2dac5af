"""What a site says, without secrets."""

from base64 import b64encode
from dataclasses import replace

import pytest

from orchestrator.errors import ExitCode, Problem
from orchestrator.fleet.desired import TcpProbe
from orchestrator.fleet.logs import LogLine
from orchestrator.fleet.observed import TaskState, Unseen
from orchestrator.procedures.effects import (
    Answer,
    CheckedImages,
    ConfigAnswer,
    ConfigResult,
    Examination,
    ImageCheck,
    ProbeResult,
    Result,
    Written,
)
from orchestrator.swarm.redaction import Observation, Redaction
from tests.build import CLIENT, info, running, service, sight, task

KNOWN = "correct-horse"
WORDS = f"it is {KNOWN}, or {b64encode(KNOWN.encode()).decode()}; PASSWORD=hunter2"
CLEAN = "it is ***, or ***Q==; PASSWORD=***"
"""The last bits of a value may be another's in base64; what they leave tells nothing."""
PROBLEM = Problem(
    code="docker.refused", what=WORDS, exit_code=ExitCode.SITE_UNREACHABLE, evidence=(WORDS,)
)
CHECK = ImageCheck(image="app:1", ok=False, words=WORDS)
SIGHT = sight(
    services=(service("web", CLIENT.stack, update_message=WORDS),),
    tasks=(task(state=TaskState.FAILED, error=WORDS), task(number=2, message=WORDS)),
    info=info(error=WORDS),
)
EXAMINATION = Examination(
    sight=SIGHT,
    api_version="",
    cli_version="",
    disk_free_bytes=0,
    disk_total_bytes=0,
    clock_offset_seconds=0.0,
    images=(CHECK,),
    requires=(
        (TcpProbe(name="db", host="db", port=1), ProbeResult(ok=False, at=0.0, words=WORDS)),
    ),
)
REDACTION = Redaction([KNOWN])


@pytest.mark.parametrize(
    "said",
    [
        SIGHT,
        EXAMINATION,
        Unseen(site="far", at=0.0, problem=PROBLEM),
        Answer(result=Result.FAILED, at=0.0, words=WORDS, problem=PROBLEM),
        Answer(result=Result.OK, at=0.0, words=WORDS),
        Written(lines=(LogLine(at=1, unit=CLIENT, service="web", text=WORDS),)),
        ConfigAnswer(result=ConfigResult.FAILED, at=0.0, words=WORDS, problem=PROBLEM),
        ProbeResult(ok=False, at=0.0, words=WORDS),
        CheckedImages(site="far", images=(CHECK,)),
    ],
    ids=lambda said: type(said).__name__,
)
def test_no_secret_is_left_in_what_was_said(said: Observation) -> None:
    seen = repr(REDACTION.of(said))
    assert KNOWN in repr(said)
    assert CLEAN in seen
    for secret in (KNOWN, "hunter2", b64encode(KNOWN.encode()).decode()):
        assert secret not in seen


def test_what_holds_no_secret_comes_back_as_it_is() -> None:
    calm = running(CLIENT)
    assert REDACTION.of(calm) is calm
    words = task(state=TaskState.FAILED, error="no suitable node")
    failed = replace(calm, tasks=(words,))
    assert REDACTION.of(failed) is failed
    problem = replace(PROBLEM, what="cut", evidence=())
    assert REDACTION.problem(problem) is problem


def test_labels_are_left_for_programs_to_read() -> None:
    labelled = service("web", CLIENT.stack, labels=(("token", KNOWN),))
    one = REDACTION.of(sight(services=(labelled,)))
    assert one == sight(services=(labelled,))
