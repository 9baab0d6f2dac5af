"""A saved plan and its file: what was approved, whole, and what proves that it is unaltered.

The file is JSON in one form only: two spaces of indent, sorted keys, `sha256` first, a newline
at the end. `sha256` is the SHA-256 (hex) of all the rest in its canonical form: one line, sorted
keys, no spaces, UTF-8. Nothing secret is in it: what was observed is there as salted hashes, and
a plan holds no value of any environment variable.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, NoReturn

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from orchestrator.errors import ExitCode, Problem, RefusedError
from orchestrator.planning.asked import Asked
from orchestrator.planning.plan import Plan
from orchestrator.planning.premises import Premises
from orchestrator.planning.seen import SeenUnit

MAJOR, MINOR = 1, 3
"""Of the file's form. Fields that older files lack need a default, and raise MINOR."""
HASH_DIGITS = 64
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})")
_HASH = "sha256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """The commit to which a repository is pinned, and the ref that led there."""

    ref: str
    sha: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """A plan, all that it was made from, and who may apply it until when.

    `pins` are by repo, `releases` (digests of the files to ship) and `seen` by unit, `images`
    (digests) by name as the compose files have it. `inventory` is the inventory's fingerprint,
    `rests_on` the same one by one; `sites` are those that were seen, `swarms` the ids of their
    Swarms.
    """

    id: str
    asked: Asked
    plan: Plan
    pins: Mapping[str, Pin]
    releases: Mapping[str, str]
    inventory: str
    sites: tuple[str, ...]
    seen: Mapping[str, SeenUnit]
    creator: str
    created: datetime
    expires: datetime
    images: Mapping[str, str] = field(default_factory=dict)
    rests_on: Premises = field(default_factory=dict)
    swarms: Mapping[str, str] = field(default_factory=dict)
    version: str = f"{MAJOR}.{MINOR}"


LARGEST_BYTES = 32_000_000
"""Reading one takes thirty times its size of memory."""
_SAVED = TypeAdapter(SavedPlan)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile:
    """A saved plan and the hash of its file."""

    saved: SavedPlan
    sha256: str


def encode(saved: SavedPlan) -> tuple[bytes, str]:
    """Return a plan's file, and its hash."""
    body: dict[str, Any] = _SAVED.dump_python(saved, mode="json")
    digest = _digest(body)
    return _pretty(digest, body), digest


def decode(data: bytes) -> PlanFile:
    """Read a plan's file.

    Raises:
        RefusedError: exit code 4: it is not byte for byte what `encode` made (plan.altered), or
            a newer dtdeploy made it (plan.too-new).

    """
    if len(data) > LARGEST_BYTES:
        raise RefusedError(_altered(f"it has more than {LARGEST_BYTES} bytes"))
    try:
        whole = json.loads(data, parse_constant=_no_number)
        if not isinstance(whole, dict):
            raise RefusedError(_altered("it is no JSON object"))
        _refuse_newer(whole.get("version"))
        said = whole.pop(_HASH, None)
        digest = _digest(whole)
        if said != digest:
            raise RefusedError(_altered(f"its hash says {said!s:.64}, it is {digest}"))
        if _pretty(digest, whole) != data:
            raise RefusedError(_altered("it is not written as dtdeploy writes it"))
        return PlanFile(saved=_SAVED.validate_python(whole, strict=False), sha256=digest)
    except (ValueError, ValidationError, RecursionError) as error:
        raise RefusedError(_altered(f"it cannot be read ({type(error).__name__})")) from error


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a plan's file."""
    made = _SAVED.json_schema(mode="serialization")
    made["properties"][_HASH] = {"pattern": "^[0-9a-f]{64}$", "type": "string"}
    made["required"] = [*made["required"], _HASH]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | made


def _canonical(body: Mapping[str, Any]) -> bytes:
    separators = (",", ":")
    text = json.dumps(
        body, sort_keys=True, separators=separators, ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def _digest(body: Mapping[str, Any]) -> str:
    return sha256(_canonical(body)).hexdigest()


def _pretty(digest: str, body: Mapping[str, Any]) -> bytes:
    """Write with pydantic's encoder: that of `json` is ten times slower once it has to indent."""
    ordered = json.loads(_canonical(body))
    return to_json({_HASH: digest, **ordered}, indent=2) + b"\n"


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _refuse_newer(version: object) -> None:
    match = _VERSION.fullmatch(version) if isinstance(version, str) else None
    if match is None:
        raise RefusedError(_altered("it does not say which version it is of"))
    major, minor = int(match[1]), int(match[2])
    if major != MAJOR or minor > MINOR:
        raise RefusedError(
            Problem(
                code="plan.too-new",
                what=f"the plan file is of version {version}, this dtdeploy reads {MAJOR}.{MINOR}",
                exit_code=ExitCode.PLAN_STALE,
                fix="apply it with the dtdeploy that made it, or plan again",
                state_left="nothing was contacted",
                runbook="saved-plan-refused",
            )
        )


def _altered(why: str) -> Problem:
    return Problem(
        code="plan.altered",
        what="the file is no plan of dtdeploy, or not as dtdeploy wrote it",
        exit_code=ExitCode.PLAN_STALE,
        evidence=(why,),
        fix="plan the same again; its hash and its command stand above the plan",
        state_left="nothing was contacted",
        runbook="saved-plan-refused",
    )
