"""The problems of a site that fails, coded as the live connection codes them."""

from orchestrator.command_line import typed
from orchestrator.errors import ExitCode, Problem, Where
from orchestrator.simulation.api import ApiError
from orchestrator.simulation.link import Link, LinkState

UNREACHABLE = "site.unreachable"
NO_QUORUM = "swarm.no-quorum"
REFUSED = "docker.refused"
"""The code of a plain no, in Docker's own words."""

_LINK = {
    LinkState.REFUSED: (
        UNREACHABLE,
        "{host} refuses the connection",
        ExitCode.SITE_UNREACHABLE,
        "Unable to connect to port 22 on {host}",
    ),
    LinkState.HOST_KEY: (
        "ssh.host-key-changed",
        "{host} does not show the host key that is known for it: it may be someone else",
        ExitCode.HOST_KEY_REFUSED,
        "Host key for server '{host}' does not match",
    ),
    LinkState.LOGIN: (
        "ssh.login-refused",
        "{host} does not let you in",
        ExitCode.LOGIN_REFUSED,
        "Authentication failed.",
    ),
}
_SILENT = (
    UNREACHABLE,
    "{host} does not answer",
    ExitCode.SITE_UNREACHABLE,
    "timed out",
)


def of_link(link: Link) -> Problem:
    """Return what to tell somebody who did not get through, and whose request was not sent."""
    code, what, exit_code, evidence = _LINK.get(link.state, _SILENT)
    return Problem(
        code=code,
        what=what.format(host=link.host),
        exit_code=exit_code,
        where=Where(site=link.site),
        evidence=(evidence.format(host=link.host),),
        fix=f"ssh {link.host} true",
        runbook="site-unreachable",
    )


def answer_lost(site: str, what: str) -> Problem:
    """Return what to tell somebody whose request was sent and never answered."""
    return Problem(
        code="answer.lost",
        what=what,
        exit_code=ExitCode.OUTCOME_UNKNOWN,
        where=Where(site=site),
        state_left="it may or may not have been carried out",
        fix=f"look before doing anything again: {typed('status')}",
        runbook="run-stopped-half-way",
    )


_DOCKER = (
    ("Cannot connect to the Docker", "docker.not-running", "the Docker daemon is not running"),
    ("does not answer", "docker.no-answer", "the Docker daemon does not answer"),
    ("does not have a leader", NO_QUORUM, "the Swarm has no leader: too few managers"),
    ("EOF", "docker.not-running", "the Docker daemon is not running"),
    ("lost leader status", NO_QUORUM, "the Swarm has no leader: too few managers"),
    ("not a swarm manager", "swarm.inactive", "the host is not part of a Swarm"),
)


def file_refused(site: str, stack: str, error: ApiError) -> Problem:
    """Return what to tell somebody whose compose file the manager's docker does not take."""
    return Problem(
        code="source.manager-refuses",
        what=f"the docker command of {site}'s manager does not take the compose file of {stack}",
        exit_code=ExitCode.SOURCE_FAILED,
        where=Where(site=site, stack=stack),
        evidence=(str(error),),
        fix="write it as that version of Docker takes it, or update Docker on the manager",
        state_left="nothing was touched",
        runbook="git-source-failed",
    )


def of_docker(site: str, error: ApiError) -> Problem:
    """Return what to tell somebody to whom Docker said no, or nothing."""
    words = str(error)
    means = ((code, what) for text, code, what in _DOCKER if text in words)
    code, what = next(means, (REFUSED, "the Docker daemon refuses"))
    return Problem(
        code=code,
        what=what,
        exit_code=ExitCode.SITE_UNREACHABLE,
        where=Where(site=site),
        evidence=(words,),
        fix="on the manager: docker info; docker node ls",
        runbook="site-unreachable",
    )
