"""The record of a run: everything another machine needs to finish it, as the lock's data."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError

from orchestrator.errors import ExitCode, Problem, RefusedError
from orchestrator.planning.asked import OnFailure
from orchestrator.planning.plan import Plan
from orchestrator.planning.premises import Premises
from orchestrator.words.foreign_json import read_json

FORMAT = 1
_LARGEST_BYTES = 500_000
"""What every daemon takes as a config's data; some take twice as much."""
_LARGEST_PLAIN_BYTES = 50_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What a run was begun with; never changes. `created` is seconds since 1970.

    `words` is the command as it was typed, `inventory` the fingerprint of what it was planned
    with, `rests_on` the same one by one, `swarms` the id of each site's Swarm then, `because` the
    reason given for leaving something out. `saved_plan` is the id of the saved plan that it
    applies, "" if it was planned just before it began.
    """

    run: str
    words: str
    plan: Plan
    inventory: str
    created: float
    owner: str
    on_failure: OnFailure = OnFailure.STOP
    because: str = ""
    saved_plan: str = ""
    rests_on: Premises = field(default_factory=dict)
    swarms: Mapping[str, str] = field(default_factory=dict)


_RECORD = TypeAdapter(RunRecord)


def encode(record: RunRecord) -> bytes:
    """Return a record as a config's data.

    Raises:
        RefusedError: it is larger than a Swarm keeps.

    """
    text = json.dumps(
        {"format": FORMAT, "record": _RECORD.dump_python(record, mode="json")},
        separators=(",", ":"),
        sort_keys=True,
    )
    data = zlib.compress(text.encode(), 9)
    if len(data) > _LARGEST_BYTES:
        raise RefusedError(
            Problem(
                code="lock.record-too-large",
                what=f"the plan takes {len(data)} bytes, more than a Swarm keeps of a run",
                exit_code=ExitCode.SAFETY_REFUSED,
                fix="select fewer units at once, site by site",
                state_left="nothing was touched",
                runbook="lock-held",
            )
        )
    return data


def decode(data: bytes) -> RunRecord:
    """Read a record back.

    Raises:
        RefusedError: it is damaged, or another version of dtdeploy wrote it.

    """
    try:
        inflate = zlib.decompressobj()
        text = inflate.decompress(data, _LARGEST_PLAIN_BYTES)
        if not inflate.eof or inflate.unconsumed_tail or inflate.unused_data:
            raise RefusedError(_unreadable("it is cut, or larger than any plan"))
        outer = read_json(text)
        if not isinstance(outer, dict) or outer.get("format") != FORMAT:
            raise RefusedError(_unreadable("another version of dtdeploy wrote it"))
        return _RECORD.validate_python(outer.get("record"), strict=False)
    except (zlib.error, ValueError, ValidationError) as error:
        raise RefusedError(_unreadable(type(error).__name__)) from error


def _unreadable(why: str) -> Problem:
    return Problem(
        code="lock.record-unreadable",
        what="the record of the unfinished run cannot be read",
        exit_code=ExitCode.LOCK_HELD,
        evidence=(why,),
        fix="resume it with the version of dtdeploy that began it",
        state_left="nothing was touched",
        runbook="lock-held",
    )
