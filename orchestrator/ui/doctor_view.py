"""What doctor looked at, a line each as it comes."""

from rich.console import Console
from rich.text import Text

from orchestrator.procedures.inspection import Check, State
from orchestrator.ui.consoles import plain, show
from orchestrator.ui.json_values import Json
from orchestrator.words.foreign import clean

_NAME_WIDTH = 12
_SITE_WIDTH = 16
_STYLES = {State.OK: "green", State.WARNING: "bold yellow", State.UNKNOWN: "dim"}


def check_view(check: Check) -> Text:
    """Return a check as a line."""
    state = Text(f"{check.state.value:<9}", style=_STYLES[check.state])
    site = f"{clean(check.site):<{_SITE_WIDTH}}  {check.name:<{_NAME_WIDTH}}  "
    return Text.assemble(site, state, clean(check.words))


def render_check(check: Check, width: int = 80) -> list[str]:
    """Return a check as plain lines."""
    return plain(check_view(check), width)


def print_check(check: Check, console: Console) -> None:
    """Print a check."""
    show(console, check_view(check))


def check_json(check: Check) -> Json:
    """Return a check for a machine."""
    return {
        "event": "check",
        "site": check.site,
        "check": check.name,
        "state": check.state.value,
        "words": clean(check.words),
    }
