from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import click
from click.shell_completion import CompletionItem
from rapidfuzz import process

from orchestrator.command_line import typed
from orchestrator.errors import ExitCode, Problem, UsageError
from orchestrator.ui.handbook import Handbook, entries_of, explanation, page_lines

_CHECKOUT = Path(__file__).parent.parent.parent
_ERRORS = ("docs", "errors.md")


def read_handbook() -> Handbook:
    """Read docs/errors.md and the runbooks (UsageError if they are not there)."""
    root = _root()
    try:
        errors = root.joinpath(*_ERRORS).read_text("utf-8")
        pages = {p.stem: p.read_text("utf-8") for p in sorted((root / "runbooks").glob("*.md"))}
    except OSError as error:
        raise UsageError(_no_pages(error)) from error
    return Handbook(entries=tuple(entries_of(errors)), pages=pages)


def _root() -> Path:
    """Return where the pages lie: in the checkout, or where the wheel's data was installed."""
    if _CHECKOUT.joinpath(*_ERRORS).is_file():
        return _CHECKOUT
    try:
        installed = files("dtdeploy") or ()
    except PackageNotFoundError:
        installed = ()
    found = (file for file in installed if file.parts[-2:] == _ERRORS)
    return next((Path(str(file.locate())).parent.parent for file in found), _CHECKOUT)


def _no_pages(error: OSError) -> Problem:
    return Problem(
        code="usage.no-pages",
        what="the pages of dtdeploy are not here: neither a checkout nor an installation has them",
        exit_code=ExitCode.USAGE,
        evidence=(str(error),),
        fix="read docs/errors.md and runbooks/ of its repository",
    )


def _complete(_ctx: click.Context, _param: click.Parameter, word: str) -> list[CompletionItem]:
    try:
        names = read_handbook().names()
    except UsageError:
        return []
    return [CompletionItem(name) for name in names if name.startswith(word)]


@click.command()
@click.argument("words", nargs=-1, metavar="[CODE|RUNBOOK]...", shell_complete=_complete)
@click.option("--brief", is_flag=True, help="Without the runbook.")
def explain(words: tuple[str, ...], *, brief: bool) -> int:
    """Explain an error code, an exit code, or print a runbook. Needs no network.

    The error code stands in brackets behind an error; its runbook is printed after what it means.

    \b
      dtdeploy explain deploy.unhealthy
      dtdeploy explain 20 --brief            every error that ends with 20
      dtdeploy explain run-stopped-half-way  a runbook
      dtdeploy explain                       all codes and runbooks
    """
    from orchestrator.cli.wiring import open_talk
    from orchestrator.ui.handbook_json import entry_json

    book, talk = read_handbook(), open_talk()
    for word in words or book.names():
        _must_be_known(book, word)
    if talk.as_json:
        for word in words or [entry.code for entry in book.entries]:
            for entry in book.found(word):
                talk.json(entry_json(book, entry))
    else:
        # A page is read before anything is typed: it asks whoever types it.
        options = replace(talk.manner, yes=False)
        talk.lines(map(options.fit, _said(book, words, brief=brief)))
    return ExitCode.DONE


def _said(book: Handbook, words: tuple[str, ...], *, brief: bool) -> Iterator[str]:
    if not words:
        yield from explanation(book, book.entries, brief=True)
        yield "RUNBOOKS"
        yield from (f"    {name}" for name in book.pages)
    for word in words:
        if word in book.pages:
            yield from page_lines(book, word)
        else:
            yield from explanation(book, book.found(word), brief=brief)


def _must_be_known(book: Handbook, word: str) -> None:
    if word in book.pages or book.found(word):
        return
    near = process.extractOne(word, book.names(), score_cutoff=60)
    raise UsageError(
        Problem(
            code="usage.unknown-code",
            what=f"nothing is called {word!r}: no error code, exit code or runbook",
            exit_code=ExitCode.USAGE,
            fix=typed("explain", near[0]) if near else typed("explain"),
        )
    )
