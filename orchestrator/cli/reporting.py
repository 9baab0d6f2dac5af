"""Making the report of a run on request."""

from pathlib import Path

from orchestrator.cli.past_runs import find_told
from orchestrator.cli.reports import Reports, write_whole
from orchestrator.cli.talk import Talk
from orchestrator.cli.wiring import journals_here, open_talk, reports_here, show_in_browser
from orchestrator.command_line import Manner, typed
from orchestrator.errors import ExitCode, Problem, UsageError, Where
from orchestrator.report.forms import Form, written
from orchestrator.report.timeline import Timeline

_ENDINGS = {".md": Form.MARKDOWN, ".markdown": Form.MARKDOWN, ".json": Form.JSON}


def make_report(run: str, *, opened: bool, form: str | None, out: Path | None) -> None:
    """Print a report, or write it and say where.

    Args:
        run: an id, the beginning of one, or `last`.
        opened: show the page in a browser.
        form: print it in this form, or write it to `out` in it.
        out: the file to write.

    Raises:
        UsageError: no such run, or the file cannot be written.
        JournalError: the journal cannot be read, or is damaged.

    """
    talk = open_talk()
    name, told = find_told(journals_here(), run)
    chosen = _form(form, out, as_json=talk.as_json)
    if out is not None:
        _into(out, written(told, chosen or Form.HTML, talk.manner))
        _say(talk, out, opened=opened)
    elif chosen is not None and not opened:
        talk.lines(written(told, chosen, talk.manner).splitlines())
    else:
        _say(talk, _kept(reports_here(), name, told, talk.manner), opened=opened)


def _form(form: str | None, out: Path | None, *, as_json: bool) -> Form | None:
    if form is not None:
        return Form(form)
    if out is not None and out.suffix.lower() in _ENDINGS:
        return _ENDINGS[out.suffix.lower()]
    return Form.JSON if as_json else None


def _kept(reports: Reports, run: str, told: Timeline, manner: Manner) -> Path:
    try:
        path = reports.put(run, {form.ending: written(told, form, manner) for form in Form})
    except OSError as error:
        raise UsageError(_unwritable(Path(error.filename or run), error)) from error
    return path or Path(run)


def _into(path: Path, text: str) -> None:
    try:
        write_whole(path, text)
    except OSError as error:
        raise UsageError(_unwritable(path, error)) from error


def _say(talk: Talk, path: Path, *, opened: bool) -> None:
    talk.lines([str(path)])
    if opened and not show_in_browser(path.absolute().as_uri()):
        talk.aside("no browser can be shown here: copy the file to where one is")


def _unwritable(path: Path, error: OSError) -> Problem:
    return Problem(
        code="usage.unwritable-report",
        what="the report cannot be written there",
        exit_code=ExitCode.USAGE,
        where=Where(file=str(path)),
        evidence=(error.strerror or str(error),),
        fix=f"{typed('report', 'RUN', '--out', 'FILE')}   # somewhere else",
        state_left="the run and its journal are as they were",
    )
