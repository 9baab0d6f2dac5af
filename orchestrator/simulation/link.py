"""The way from the operator to one site's manager, and all that can be wrong with it."""

from dataclasses import dataclass
from enum import Enum

from orchestrator.errors import ExitCode, Problem, Where


class LinkState(Enum):
    """What happens to who tries to get through."""

    OK = "ok"
    CUT = "cut"
    """Packets vanish; only a deadline ends the wait."""
    REFUSED = "refused"
    """Connections are refused at once."""
    HANGING = "hanging"
    """Connections stand, requests may arrive, answers never do."""
    HOST_KEY = "host_key"
    LOGIN = "login"


READ_DEADLINE_SECONDS = 15.0
_AT_ONCE = frozenset({LinkState.REFUSED, LinkState.HOST_KEY, LinkState.LOGIN})


@dataclass(slots=True, kw_only=True)
class Link:
    """`slowness` stretches every way; `lose_*` count mutating effects to lose the answer of.

    `breaks` counts how often what was under way was torn.
    """

    site: str
    host: str
    state: LinkState = LinkState.OK
    slowness: float = 1.0
    lose_before: int = 0
    lose_after: int = 0
    breaks: int = 0

    def turn(self, state: LinkState) -> None:
        """Change what the link is like; whatever is under way is torn unless it becomes OK."""
        self.breaks += state is not LinkState.OK
        self.state = state

    @property
    def turns_away(self) -> bool:
        """Whether a new connection fails at once, nothing sent."""
        return self.state in _AT_ONCE

    def problem(self) -> Problem:
        """Return what to tell who did not get through."""
        code, what, exit_code, evidence = _WORDS.get(self.state, _WORDS[LinkState.CUT])
        return Problem(
            code=code,
            what=what,
            exit_code=exit_code,
            where=Where(site=self.site),
            evidence=(evidence.format(host=self.host),),
            fix=f"ssh {self.host} true",
            runbook="site-unreachable",
        )


_WORDS = {
    LinkState.CUT: (
        "site.unreachable",
        "the site's manager does not answer",
        ExitCode.SITE_UNREACHABLE,
        "{host}: timed out",
    ),
    LinkState.REFUSED: (
        "site.unreachable",
        "the site's manager refuses the connection",
        ExitCode.SITE_UNREACHABLE,
        "Unable to connect to port 22 on {host}",
    ),
    LinkState.HOST_KEY: (
        "site.host-key-changed",
        "the site's manager shows another host key than the known one",
        ExitCode.HOST_KEY_REFUSED,
        "Host key for server '{host}' does not match",
    ),
    LinkState.LOGIN: (
        "site.login-refused",
        "the site's manager refuses the login",
        ExitCode.LOGIN_REFUSED,
        "{host}: Authentication failed.",
    ),
}
