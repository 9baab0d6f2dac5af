"""What the managers' audit logs tell of runs, to show."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.report.audit import AuditedRun, AuditLine
from orchestrator.ui.consoles import stack_up
from orchestrator.words.foreign import clean
from orchestrator.words.phrases import count

Local = Callable[[float], datetime]


def audited_view(runs: Sequence[AuditedRun], local: Local) -> RenderableType:
    """Return one line a run; `local` turns seconds since 1970 into a time of this place."""
    if not runs:
        return Text("no manager's audit log tells of a run")
    table = Table.grid(padding=(0, 2, 0, 0))
    for name in ("RUN", "FIRST CHANGE", "LAST CHANGE", "STEPS", "SITES"):
        table.add_column(name, no_wrap=True)
    table.add_column("WHO", overflow="fold")
    table.add_row(*(Text(str(column.header), style="bold") for column in table.columns))
    for run in runs:
        table.add_row(
            Text(clean(run.run), style="bold"),
            f"{local(run.lines[0].at):%Y-%m-%d %H:%M:%S}",
            f"{local(run.lines[-1].at):%H:%M:%S}",
            str(len(run.steps)),
            str(len(run.sites)),
            Text(clean(run.who)),
        )
    return table


def audit_view(run: AuditedRun, local: Local) -> RenderableType:
    """Return every change of one run, in the order of the managers' lines."""
    head = f"{clean(run.run)}: {count(len(run.lines), 'change')} by {clean(run.who)}"
    return stack_up([Text(head, style="bold"), *(_line(line, local) for line in run.lines)])


def _line(line: AuditLine, local: Local) -> Text:
    when = f"{local(line.at):%Y-%m-%d %H:%M:%S}"
    return Text(f"{when}  {line.site}  {clean(line.step)}: {clean(line.what)}")


def audited_json(runs: Sequence[AuditedRun], unread: Sequence[str]) -> dict[str, Any]:
    """Return the same for a machine; `unread` are the sites whose log could not be read."""
    return {
        "event": "audit",
        "schema": "1.0",
        "unread": list(unread),
        "runs": [
            {
                "run": run.run,
                "who": run.who,
                "sites": list(run.sites),
                "changes": [
                    {"at": line.at, "site": line.site, "step": line.step, "what": line.what}
                    for line in run.lines
                ],
            }
            for run in runs
        ],
    }
