"""What GitHub Actions and GitLab CI read between the lines of a log, and in files.

GitHub: workflow commands are lines that begin with `::`, or hold `##[` anywhere (actions/runner,
ActionCommand.TryParseV2 and TryParse; actions/toolkit, command.ts, says how to escape). GitLab:
section markers are escape sequences (docs.gitlab.com, job logs).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path, PurePath

from orchestrator.command_line import AS_IT_IS, Manner
from orchestrator.errors import Problem
from orchestrator.ui.mode import automated
from orchestrator.words.foreign import clean, clean_lines, shorten

MOST_ANNOTATIONS = 10
"""GitHub shows no more than ten errors of a step."""
_LONGEST = 1000
_COMMAND = re.compile(r"^(\s*):(?=:)", re.MULTILINE)
_LOCAL = "inventory."
"""Problems whose file is one of this checkout: those of compose files are of another repository."""


class CiKind(Enum):
    """Who runs the job."""

    NONE = "none"
    OTHER = "other"
    GITHUB = "github"
    GITLAB = "gitlab"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ci:
    """What a CI job offers. Paths are "" where it offers none.

    `folder` is where dtdeploy was started, `workspace` the checkout that annotations are about.
    """

    kind: CiKind = CiKind.NONE
    outputs: str = ""
    summary: str = ""
    workspace: str = ""
    folder: str = ""


NO_CI = Ci()


def ci_of(environ: Mapping[str, str], folder: str) -> Ci:
    """Tell by which CI, if any, dtdeploy is run."""
    if environ.get("GITHUB_ACTIONS") == "true":
        return Ci(
            kind=CiKind.GITHUB,
            outputs=environ.get("GITHUB_OUTPUT", ""),
            summary=environ.get("GITHUB_STEP_SUMMARY", ""),
            workspace=environ.get("GITHUB_WORKSPACE", ""),
            folder=folder,
        )
    if environ.get("GITLAB_CI") == "true":
        return Ci(kind=CiKind.GITLAB)
    return Ci(kind=CiKind.OTHER if automated(environ) else CiKind.NONE)


def defused(text: str) -> str:
    """Return text in which GitHub finds no command: what looks like one is broken by a space.

    The space has no width, so people see what was there.
    """
    return _COMMAND.sub("\\1:\u200b", text).replace("##[", "#\u200b#[")


def group_lines(kind: CiKind, number: int, title: str, now: datetime) -> tuple[str, str]:
    """Return what opens and what closes a part of a log that can be folded; "" for neither."""
    if kind is CiKind.GITHUB:
        return f"::group::{_data(title)}\n", "::endgroup::\n"
    if kind is CiKind.GITLAB:
        name, at = f"dtdeploy_{number}", int(now.timestamp())
        start = f"\x1b[0Ksection_start:{at}:{name}\r\x1b[0K{title}\n"
        return start, f"\x1b[0Ksection_end:{at}:{name}\r\x1b[0K\n"
    return "", ""


def annotations(ci: Ci, problems: Iterable[Problem], manner: Manner = AS_IT_IS) -> Iterator[str]:
    """Yield a line for each of the first problems, for GitHub to show at its file and line."""
    if ci.kind is not CiKind.GITHUB:
        return
    every = tuple(problems)
    # The tenth says how many there are when there are more.
    shown = every if len(every) <= MOST_ANNOTATIONS else every[: MOST_ANNOTATIONS - 1]
    for problem in shown:
        yield f"::error {_place(ci, problem)}::{_data(_words(problem, manner))}\n"
    if len(every) > len(shown):
        yield f"::error title=dtdeploy::{len(every) - len(shown)} more problems: see the log\n"


def append_file(path: str, text: str) -> None:
    """Append to a file that a CI named, "" for none; it must not end a run if it cannot be."""
    if not path:
        return
    with suppress(OSError), Path(path).open("a", encoding="utf-8") as file:
        file.write(text)


def outputs(values: Mapping[str, str]) -> str:
    """Return what is appended to GITHUB_OUTPUT; values are of one line."""
    return "".join(f"{name}={clean(value)}\n" for name, value in values.items())


def _words(problem: Problem, manner: Manner) -> str:
    where = problem.where
    place = "" if _is_local(problem) else str(where)
    words = f"{place}: {problem.what}" if place else problem.what
    lines = [
        *clean_lines(words),
        *(f"next: {line}" for line in clean_lines(manner.fit(problem.fix))),
    ]
    return "\n".join(shorten(line, _LONGEST) for line in lines)


def _place(ci: Ci, problem: Problem) -> str:
    parts = {"title": f"dtdeploy {problem.code}"}
    if _is_local(problem):
        where = problem.where
        parts = {
            "file": _relative(ci, where.file),
            "line": str(where.line or 1),
            "col": str(where.column or 1),
        } | parts
    return ",".join(f"{name}={_property(value)}" for name, value in parts.items())


def _is_local(problem: Problem) -> bool:
    return bool(problem.where.file) and problem.code.startswith(_LOCAL)


def _relative(ci: Ci, file: str) -> str:
    path = PurePath(ci.folder, file)
    inside = bool(ci.workspace) and path.is_relative_to(ci.workspace)
    return str(path.relative_to(ci.workspace)) if inside else file


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(clean(text)).replace(":", "%3A").replace(",", "%2C")
