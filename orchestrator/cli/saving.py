"""Writing a plan's file, and reading it back."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from orchestrator.cli.planning import Drawn
from orchestrator.cli.wiring import World
from orchestrator.command_line import Manner
from orchestrator.errors import ExitCode, Problem, UsageError
from orchestrator.planning.asked import Asked
from orchestrator.planning.plan_file import LARGEST_BYTES, PlanFile, decode, encode
from orchestrator.planning.saving import make_saved
from orchestrator.ui.saved_view import SavedHead

_MODE = 0o600


def save_plan(
    world: World, asked: Asked, drawn: Drawn, path: Path, *, lifetime: float, force: bool
) -> SavedHead:
    """Write the plan that was drawn to `path`, whole or not at all.

    Args:
        world: what it was planned with.
        asked: what was asked for.
        drawn: what came of it.
        path: where to; an existing file is replaced only with `force`.
        lifetime: how long it may be applied, in seconds.
        force: replace what is there.

    Raises:
        UsageError: there is a file already, or it cannot be written.

    """
    book = drawn.book
    saved = make_saved(
        world.inventory,
        asked,
        book.plan,
        looks=drawn.looks,
        pins=drawn.pins,
        sourced=book.sourced,
        images=drawn.images,
        name=world.holder.session,
        creator=str(world.holder),
        now=world.wall(),
        lifetime=lifetime,
    )
    data, digest = encode(saved)
    _write(path, data, force=force)
    return head_of(PlanFile(saved=saved, sha256=digest), path, world.talk.manner)


def head_of(file: PlanFile, path: Path, manner: Manner) -> SavedHead:
    """Return what is said of a plan's file."""
    saved = file.saved
    return SavedHead(
        file=str(path),
        sha256=file.sha256,
        id=saved.id,
        creator=saved.creator,
        created=saved.created,
        expires=saved.expires,
        manner=manner,
    )


def must_be_free(path: Path, *, force: bool) -> None:
    """Raise UsageError when `path` is taken: before anything is contacted."""
    try:
        taken = not force and path.exists()
    except OSError as error:  # such as a name that no file can have
        raise UsageError(_unusable(path, "written", error)) from error
    if taken:
        raise UsageError(_taken(path))


def read_plan(path: Path) -> PlanFile:
    """Read a plan's file (UsageError if it cannot be, RefusedError if it is altered)."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise UsageError(_unusable(path, "read", error)) from error
    return decode(data)


def _write(path: Path, data: bytes, *, force: bool) -> None:
    """Write beside it first: a reader finds all of it or none, and a full disk leaves no half."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        try:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb") as f:
                f.write(data)
                f.flush()
                os.fsync(f.fileno())
            if force:
                beside.replace(path)
            else:
                os.link(beside, path)
        finally:
            with suppress(FileNotFoundError):
                beside.unlink()
    except FileExistsError as error:
        raise UsageError(_taken(path)) from error
    except OSError as error:
        raise UsageError(_unusable(path, "written", error)) from error


def _taken(path: Path) -> Problem:
    return Problem(
        code="usage.file-exists",
        what=f"{path} exists already",
        exit_code=ExitCode.USAGE,
        fix="choose another --out FILE, or add --force to replace it",
        state_left="the file is as it was",
    )


def _unusable(path: Path, how: str, error: OSError) -> Problem:
    return Problem(
        code="usage.file-unusable",
        what=f"{path} cannot be {how}",
        exit_code=ExitCode.USAGE,
        evidence=(str(error),),
        fix=f"ls -ld {path} {path.parent}",
        state_left="nothing was touched",
    )
