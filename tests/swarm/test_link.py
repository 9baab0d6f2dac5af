"""A site with several managers: who is asked, who counts, and what becomes of one that fails."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from orchestrator.errors import FleetError
from orchestrator.fleet.observed import Sight, Unseen
from orchestrator.inventory.model import Manager
from orchestrator.procedures.effects import (
    Answer,
    DeployStack,
    Examination,
    Examine,
    Observe,
    Result,
)
from orchestrator.swarm.inspection import named_managers
from orchestrator.swarm.link import SiteLink
from orchestrator.swarm.performer import LivePerformer
from orchestrator.swarm.roster import Roster
from tests.build import sight
from tests.swarm.conftest import perform_through
from tests.swarm.daemon import Daemon, captured, error, install, listening
from tests.swarm.proxy import Proxy, proxied
from tests.swarm.releases import release
from tests.swarm.sshd import SITE, Operator, Server, running

KNOWN = json.loads(captured("info"))["Swarm"]["Cluster"]["ID"]
KNOWN_NODE = json.loads(captured("info"))["Swarm"]["NodeID"]
LEADERLESS = "rpc error: The swarm does not have a leader. too few managers are online"


def info(**swarm: object) -> Callable[[], tuple[int, bytes]]:
    """Return what a daemon answers that is otherwise than the captured one."""
    whole = json.loads(captured("info"))
    whole["Swarm"] |= swarm
    return lambda: (200, json.dumps(whole).encode())


class Pair:
    """Two managers of a site, each behind a proxy of its own."""

    def __init__(self, operator: Operator, servers: list[Server], stack: ExitStack) -> None:
        self._operator = operator
        self._stack = stack
        self.servers = servers
        self.proxies: list[Proxy] = []
        self.daemons: list[Daemon] = []
        for server in servers:
            proxy = stack.enter_context(proxied(server.port))
            operator.trust(server.known_line.replace(str(server.port), str(proxy.port)))
            socket = server.folder / "docker.sock"
            self.daemons.append(stack.enter_context(listening(socket)))
            install(server, socket, server.folder)
            self.proxies.append(proxy)
        self.managers = [Manager(host="127.0.0.1", port=proxy.port) for proxy in self.proxies]

    def link(self, *managers: Manager, head_start: float = 5.0, swarm: str = "") -> SiteLink:
        roster = Roster(managers or self.managers)
        if swarm:
            roster.expect(swarm)
        link = SiteLink(
            SITE,
            roster,
            program=self._operator.program(""),
            defaults=self._operator.defaults(),
            clock=time.monotonic,
            read_seconds=1.0,
            retry_seconds=0.5,
            head_start_seconds=head_start,
        )
        self._stack.callback(link.close)
        return link

    def performer(self) -> LivePerformer:
        performer = perform_through(self._operator, self.managers)
        self._stack.callback(performer.close)
        return performer

    def asked(self) -> list[int]:
        """Return how often each was asked who it is."""
        return [sum("/info" in line for line in daemon.asked) for daemon in self.daemons]


@pytest.fixture
def pair(operator: Operator, key: Path, tmp_path: Path) -> Iterator[Pair]:
    with ExitStack() as stack:
        servers = [
            stack.enter_context(running(tmp_path / name, key)) for name in ("first", "second")
        ]
        yield Pair(operator, servers, stack)


def refused(link: SiteLink) -> tuple[str, str]:
    with pytest.raises(FleetError) as found:
        link.connection()
    (problem,) = found.value.problems
    return problem.code, "\n".join((problem.what, *problem.evidence))


def looks(link: SiteLink) -> None:
    link.reading(lambda: link.api.ask_with_info((), max_age_seconds=0.0))


def test_the_first_is_used_while_it_answers(pair: Pair) -> None:
    link = pair.link()
    link.connection()
    assert (pair.asked(), link.via) == ([1, 0], "")


def test_the_stream_on_which_it_said_who_it_is_serves_the_first_look(pair: Pair) -> None:
    link = pair.link()
    link.api.ask(())
    assert pair.proxies[0].connections == 1
    assert [line for line in pair.daemons[0].asked if "version" in line] == ["GET /version"]


def test_one_that_refuses_costs_nothing(pair: Pair) -> None:
    pair.proxies[0].refuse()
    link = pair.link(head_start=60.0)
    link.connection()
    assert (pair.asked(), link.via) == ([0, 1], "127.0.0.1")


def test_one_that_is_silent_costs_its_head_start(pair: Pair) -> None:
    pair.proxies[0].stall()
    link = pair.link(head_start=0.2)
    began = time.monotonic()
    link.connection()
    assert 0.2 <= time.monotonic() - began < 5.0
    assert pair.asked() == [0, 1]


@pytest.mark.parametrize(
    "wrong",
    [
        info(ControlAvailable=False),
        info(LocalNodeState="inactive"),
        info(Error=LEADERLESS),
        lambda: error(503, "This node is not a swarm manager"),
        lambda: (200, b"nonsense"),
    ],
)
def test_one_that_is_no_manager_that_can_be_asked_does_not_count(
    pair: Pair, wrong: Callable[[], tuple[int, bytes]]
) -> None:
    pair.daemons[0].replies["GET /info"] = wrong
    link = pair.link()
    link.connection()
    assert link.via


def test_a_connection_that_is_lost_is_made_to_the_other(pair: Pair) -> None:
    link = pair.link()
    first = link.connection()
    pair.proxies[0].refuse()
    first.close()
    looks(link)
    assert link.via
    assert link.connection() is not first


def test_the_dead_one_is_asked_last(pair: Pair) -> None:
    link = pair.link()
    link.connection().close()
    pair.proxies[0].stall()
    link.connection()
    assert link.via, "one that was lost a moment ago is not waited for"


def test_one_whose_daemon_stops_is_left_for_the_other(pair: Pair) -> None:
    link = pair.link()
    looks(link)
    pair.daemons[0].replies["GET /info"] = lambda: error(503, "This node is not a swarm manager")
    looks(link)
    assert link.via


def test_where_none_is_better_one_stays_with_what_there_is(pair: Pair) -> None:
    link = pair.link()
    before = link.connection()
    for daemon in pair.daemons:
        daemon.replies["GET /info"] = lambda: error(503, LEADERLESS)
    with pytest.raises(FleetError) as found:
        looks(link)
    assert found.value.problems[0].code == "swarm.no-quorum"
    assert link.connection() is before
    for daemon in pair.daemons:
        daemon.replies.clear()
    looks(link)


def test_a_manager_of_another_swarm_does_not_count(pair: Pair) -> None:
    link = pair.link()
    link.connection().close()
    pair.proxies[0].refuse()
    pair.daemons[1].replies["GET /info"] = info(Cluster={"ID": "another"})
    code, words = refused(link)
    assert code == "swarm.other-swarm"
    assert "another" in words
    assert KNOWN in words
    assert "refuses the connection" in words, "what is wrong with the right one is told as well"


def test_the_swarm_that_a_plan_was_made_for_counts_with_a_single_manager_too(pair: Pair) -> None:
    link = pair.link(pair.managers[0], swarm="the-planned-one")
    assert refused(link)[0] == "swarm.other-swarm"
    assert pair.link(pair.managers[0], swarm=KNOWN).connection().alive


def test_what_is_expected_later_holds_for_a_connection_that_stands(pair: Pair) -> None:
    link = pair.link(pair.managers[0])
    link.connection()
    link.roster.expect("the-planned-one")
    assert refused(link)[0] == "swarm.other-swarm"


def test_the_managers_of_a_site_are_asked_apart_who_they_are(pair: Pair) -> None:
    pair.daemons[1].replies["GET /info"] = info(NodeID="the-other")
    link = pair.link()
    looks(link)
    seen = sight(SITE)
    named = named_managers(link, seen)
    assert [one.node_id for one in named] == [KNOWN_NODE, "the-other"]
    assert [one.words for one in named] == ["", ""]
    pair.proxies[1].refuse()
    assert "refuses the connection" in named_managers(link, seen)[1].words


def test_a_registry_that_one_of_them_is_not_logged_in_to_is_named(pair: Pair) -> None:
    folder = pair.servers[0].home / ".docker"
    folder.mkdir()
    auth = {"auths": {"registry.example": {"auth": "dTpw"}}}
    (folder / "config.json").write_text(json.dumps(auth))
    link = pair.link()
    looks(link)
    named = named_managers(link, sight(SITE))
    assert [one.no_login for one in named] == [(), ("registry.example",)]


def test_who_takes_over_without_a_login_deploys_nothing(pair: Pair) -> None:
    words = "unauthorized: authentication required"
    image = "registry.example/app:1"
    for daemon in pair.daemons:
        daemon.replies["GET /distribution/" + image + "/json"] = lambda: error(500, words)
    effect = DeployStack(
        unit=release().unit, release=release(), labels=(), images=(("server", image),)
    )
    answer = pair.performer().perform(effect)
    assert isinstance(answer, Answer)
    assert answer.result is Result.FAILED
    assert answer.problem is not None
    assert answer.problem.code == "registry.login-refused"
    assert "docker login registry.example" in answer.problem.fix


def test_who_preflight_asked_is_not_asked_for_its_login_again(pair: Pair) -> None:
    performer = pair.performer()
    performer.perform(Examine(site=SITE))
    effect = DeployStack(
        unit=release().unit, release=release(), labels=(), images=(("server", "nowhere/x:1"),)
    )
    performer.perform(effect)
    assert not [line for line in pair.daemons[0].asked if "distribution" in line]


def test_a_look_says_through_whom_it_came(pair: Pair) -> None:
    performer = pair.performer()
    seen = performer.perform(Observe(site=SITE))
    assert isinstance(seen, Sight)
    assert seen.via == ""
    pair.proxies[0].refuse()
    after = performer.perform(Observe(site=SITE))
    assert isinstance(after, Sight)
    assert after.via
    examined = performer.perform(Examine(site=SITE))
    assert isinstance(examined, Examination)
    assert examined.sight.via == after.via


def test_a_manager_with_which_an_effect_was_given_up_is_asked_last(pair: Pair) -> None:
    performer = pair.performer()
    performer.perform(Observe(site=SITE))
    performer.give_up(Observe(site=SITE))
    after = performer.perform(Observe(site=SITE))
    assert isinstance(after, Sight)
    assert after.via


def test_what_a_plan_was_made_for_is_all_that_counts(pair: Pair) -> None:
    performer = pair.performer()
    performer.perform(Observe(site=SITE))
    performer.expect({SITE: "the-planned-one", "elsewhere": "x"})
    unseen = performer.perform(Observe(site=SITE))
    assert isinstance(unseen, Unseen)
    assert unseen.problem.code == "swarm.other-swarm"


def test_a_single_manager_is_not_asked_who_it_is(pair: Pair) -> None:
    link = pair.link(pair.managers[0])
    link.connection()
    assert pair.asked() == [0, 0]
    assert link.via == ""


def examined(pair: Pair) -> Examination:
    root = json.dumps(json.loads(captured("info")) | {"DockerRootDir": "/"}).encode()
    for daemon in pair.daemons:
        daemon.replies.setdefault("GET /info", lambda: (200, root))
    answer = pair.performer().perform(Examine(site=SITE))
    assert isinstance(answer, Examination), answer
    return answer


def test_preflight_finds_a_manager_of_another_swarm_that_nobody_had_to_ask(pair: Pair) -> None:
    pair.daemons[1].replies["GET /info"] = info(Cluster={"ID": "another"})
    (problem,) = examined(pair).strangers
    assert problem.code == "swarm.other-swarm"
    assert problem.evidence == ("its Swarm has the id another", f"known is {KNOWN}")


def test_preflight_finds_nothing_wrong_with_managers_of_one_swarm(pair: Pair) -> None:
    assert examined(pair).strangers == ()
    assert pair.asked()[1]


def test_preflight_does_not_wait_for_a_manager_that_says_nothing(pair: Pair) -> None:
    pair.proxies[1].stall()
    began = time.monotonic()
    assert examined(pair).strangers == ()
    assert time.monotonic() - began < 10.0
