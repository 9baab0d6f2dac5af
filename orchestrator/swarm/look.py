"""One look at a site's Swarm: all that judgments need, in one round trip."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar
from urllib.parse import quote

from pydantic import ValidationError

from orchestrator.errors import FleetError, Problem
from orchestrator.fleet.observed import NAMESPACE_LABEL, Look, Sight, SwarmInfo, Unseen
from orchestrator.swarm import parse, problems
from orchestrator.swarm.engine_api import EngineApi
from orchestrator.swarm.http_pipe import Request, Response
from orchestrator.swarm.link import SiteLink

T = TypeVar("T")
_INFO_SECONDS = 5.0
"""How old the Swarm's `info` may be in a sight. The daemon runs `runc --version` for it, 9 ms
of the 20 that a look costs there. The lists next to it are always fresh, and only a manager
that has a leader answers them at all."""


def listing(path: str, **filters: list[str]) -> Request:
    """Return the request for a list, with Docker's filters."""
    joint = "&" if "?" in path else "?"
    query = f"{joint}filters={quote(json.dumps(filters))}" if filters else ""
    return Request(path + query)


_LABELLED = [NAMESPACE_LABEL]
LISTS = (
    Request("/nodes"),
    Request("/services"),
    listing("/tasks", label=_LABELLED),
    listing("/tasks", **{"label": _LABELLED, "_up-to-date": ["true"]}),
    Request("/networks"),
    listing("/configs", label=_LABELLED),
    listing("/secrets", label=_LABELLED),
    listing("/containers/json?all=1", label=_LABELLED),
    listing("/tasks", runtime=["attachment"]),
)
"""What a look asks for, the services first of what can vanish: a service deleted meanwhile
still has its tasks listed, not the other way round. All networks are asked for: a service is
attached to them by id, and to some that belong to no stack. A plain container on a network of the
Swarm is a task that no other list shows, whichever node it is on."""


def look(link: SiteLink, clock: Callable[[], float]) -> Look:
    """Look at the site's Swarm.

    Returns:
        A Sight, or Unseen with the problem: the site cannot be reached, its daemon does not
        answer, or its Swarm is inactive, locked or without a leader.

    """
    started = clock()

    def read() -> Sight:
        fresh, answers = link.api.ask_with_info(LISTS, max_age_seconds=_INFO_SECONDS)
        check(link.site, link.api, answers)
        return replace(_sight(link.site, started, clock(), fresh, answers), via=link.via)

    return or_unseen(link.site, clock, read)


def or_unseen(site: str, clock: Callable[[], float], read: Callable[[], T]) -> T | Unseen:
    """Return what was read at a site, or why it could not be."""
    try:
        return read()
    except FleetError as error:
        return Unseen(site=site, at=clock(), problem=error.problems[0])
    except (ValidationError, KeyError) as error:
        problem = problems.docker(site, "docker.unreadable", str(error).splitlines()[0])
        return Unseen(site=site, at=clock(), problem=problem)


def check(site: str, api: EngineApi, answers: list[Response]) -> None:
    """Let answers pass unless one is a refusal (FleetError)."""
    refused = next((answer for answer in answers if not answer.ok), None)
    if refused is not None:
        raise FleetError(_refusal(site, api, refused))


def _sight(site: str, started: float, at: float, info: SwarmInfo, answers: list[Response]) -> Sight:
    nodes, services, tasks, current, networks, configs, secrets, containers, attached = (
        answer.body for answer in answers
    )
    return Sight(
        site=site,
        started=started,
        at=at,
        info=info,
        nodes=parse.nodes(nodes),
        services=parse.services(services, networks),
        tasks=parse.tasks(tasks, current),
        containers=parse.containers(containers),
        networks=tuple(network for network in parse.networks(networks) if network.stack),
        configs=parse.resources(configs),
        secrets=parse.resources(secrets),
        attached=parse.attached(attached),
    )


def _refusal(site: str, api: EngineApi, refused: Response) -> Problem:
    """Return why a list is refused; the daemon's view of its Swarm tells more than the list."""
    words = parse.message(refused.body)
    info, _ = api.ask_with_info((), max_age_seconds=0.0)
    said = tuple(dict.fromkeys(text for text in (info.error, words) if text))
    code = problems.docker_code(" ".join(said))
    if code == "docker.refused" and info.node_state != "active":
        code = "swarm.inactive"
    return problems.docker(site, code, *said)
