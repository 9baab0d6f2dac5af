from dataclasses import replace
from typing import Any

import pytest

from orchestrator.errors import ExitCode, Problem
from orchestrator.fleet.desired import PublishedPort, TcpProbe
from orchestrator.fleet.observed import Fact, Mode, Node, NodeState
from orchestrator.fleet.ownership import Ownership
from orchestrator.fleet.unit import Unit
from orchestrator.fleet.usage import Use
from orchestrator.planning.plan import Command
from orchestrator.procedures.book import Limits
from orchestrator.procedures.effects import Examination, ImageCheck, ProbeResult
from orchestrator.procedures.fitness import Wanted, judge_site
from orchestrator.procedures.ports import Wish
from tests.build import CLIENT, SERVER, desired, info, node, resource, running, service, sight, task
from tests.build import wanted as wanted_service

SHOP = Unit(stack="app-shop", site="far")
DATABASE = TcpProbe(name="database", host="db", port=5432)


def seen(**other: Any) -> Examination:
    base = Examination(
        sight=sight(),
        api_version="1.41",
        cli_version="29.0",
        disk_free_bytes=50_000_000_000,
        disk_total_bytes=100_000_000_000,
        clock_offset_seconds=0.0,
    )
    return replace(base, **other)


def wanted(**other: Any) -> Wanted:
    return replace(Wanted(site="far", limits=Limits()), **other)


def codes(problems: tuple[Problem, ...]) -> list[str]:
    return [problem.code for problem in problems]


def only(want: Wanted, found: Examination) -> Problem:
    problems = judge_site(want, found)
    assert len(problems) == 1, codes(problems)
    assert problems[0].state_left == "nothing was touched"
    assert problems[0].where.site == "far"
    return problems[0]


def test_a_fit_site_has_no_problem() -> None:
    want = wanted(acted=(CLIENT,), desired=(desired(),), declared=frozenset({"app-client"}))
    assert judge_site(want, seen()) == ()


def test_a_manager_of_another_swarm_is_refused_as_it_was_found() -> None:
    stranger = Problem(
        code="swarm.other-swarm", what="it is another", exit_code=ExitCode.SAFETY_REFUSED
    )
    assert judge_site(wanted(), seen(strangers=(stranger,))) == (stranger,)


def test_a_swarm_that_is_not_well_is_all_that_is_said() -> None:
    """Nothing else that it shows can be trusted."""
    dark = sight(info=info(error="no leader"), nodes=())
    problem = only(wanted(), seen(sight=dark, api_version="1.1", disk_free_bytes=0))
    assert (problem.code, problem.exit_code) == ("swarm.not-well", ExitCode.SAFETY_REFUSED)


@pytest.mark.parametrize("version", ["1.39", "1.9", "", "unknown"])
def test_an_old_engine_is_refused(version: str) -> None:
    problem = only(wanted(), seen(api_version=version))
    assert problem.code == "docker.too-old"
    assert f"API {version or 'unknown'}," in problem.what


@pytest.mark.parametrize("version", ["1.40", "1.52", "2.0"])
def test_a_new_engine_passes(version: str) -> None:
    assert judge_site(wanted(), seen(api_version=version)) == ()


def test_a_swarm_without_a_leader_is_refused() -> None:
    seen_ = seen(sight=sight(nodes=(node(leader=False),)))
    assert only(wanted(), seen_).code == "swarm.no-leader"


AWAY = node("far-w1", NodeState.DOWN, leader=False)


def test_a_node_that_nobody_can_see_matters_where_what_goes_was_seen_there() -> None:
    there = task(node_id=AWAY.id)
    found = seen(sight=sight(nodes=(node(), AWAY), services=(service(),), tasks=(there,)))
    problem = only(wanted(goes=frozenset({CLIENT}), ssh="ada@far.example"), found)
    assert problem.code == "swarm.node-not-ready"
    assert problem.what.startswith("node far-w1 of far is down, and web.1 of app-client@far last")
    assert problem.evidence == (
        "ssh ada@far.example docker node rm --force far-w1   # if its machine is off, for good",
    )
    assert "--accept-lost far-w1@far --because TEXT" in problem.fix
    assert judge_site(wanted(goes=frozenset({SERVER})), found) == ()
    empty = seen(sight=sight(nodes=(node(), AWAY)))
    assert judge_site(wanted(goes=frozenset({CLIENT})), empty) == ()


@pytest.mark.parametrize(
    ("constraint", "other", "fix"),
    [
        (
            "node.role == worker",
            replace(AWAY, state=NodeState.READY, availability="drain"),
            "ssh ada@far docker node update --availability active far-w1",
        ),
        (
            "node.labels.disk == fast",
            AWAY,
            "ssh ada@far docker node update --label-add disk=fast far-m   # or another one that",
        ),
        ("node.role == worker", AWAY, "bring such a node back, or change the constraint"),
    ],
)
def test_what_no_node_can_take_is_refused_before_anything_goes_down(
    constraint: str, other: Node, fix: str
) -> None:
    placed = wanted_service(facts=(Fact("placement constraint", constraint, ""),))
    found = seen(sight=sight(nodes=(node(), other)))
    problem = only(wanted(desired=(desired(CLIENT, placed),), ssh="ada@far"), found)
    assert (problem.code, problem.exit_code) == ("swarm.no-node-fits", ExitCode.SAFETY_REFUSED)
    assert constraint in problem.what
    assert problem.fix.startswith(fix)


def test_data_that_only_a_dead_node_holds_is_named_before_another_node_is() -> None:
    label = Fact("placement constraint", "node.labels.disk == fast", "")
    volume = Fact("mount", "/data", "volume app_data")
    role = Fact("placement constraint", "node.role == manager", "")
    dead = replace(AWAY, labels=(("disk", "fast"),), manager=True)
    worker = node("far-w2", leader=False, manager=False)
    found = seen(sight=sight(nodes=(node(), dead, worker)))

    def fix(*facts: Fact) -> str:
        kept = wanted_service(facts=(label, volume, *facts))
        problem = only(wanted(desired=(desired(CLIENT, kept),), ssh="ada@far"), found)
        assert problem.evidence[0] == (
            "its data is on far-w1, and may be missed elsewhere: volume app_data at /data"
        )
        return problem.fix

    line = "bring far-w1 back; or ssh ada@far docker node update --label-add disk=fast"
    more = "   # or another one that is ready"
    # A worker rather than a manager, where both would do.
    assert fix() == f"{line} far-w2{more}"
    assert fix(role) == f"{line} far-m{more}"


def test_a_full_disk_matters_where_something_is_deployed() -> None:
    found = seen(disk_free_bytes=999_999_999)
    problem = only(wanted(desired=(desired(),)), found)
    assert problem.code == "site.disk-low"
    assert problem.what.startswith("999 MB are free")
    assert judge_site(wanted(), found) == ()
    assert judge_site(wanted(desired=(desired(),)), seen(disk_free_bytes=10**9)) == ()


@pytest.mark.parametrize(("seconds", "words"), [(5.1, "+5 s off"), (-61.0, "-61 s off")])
def test_a_clock_that_is_off_either_way_is_refused(seconds: float, words: str) -> None:
    problem = only(wanted(), seen(clock_offset_seconds=seconds))
    assert problem.code == "site.clock-skew"
    assert words in problem.what


@pytest.mark.parametrize("seconds", [5.0, -5.0])
def test_a_clock_may_be_off_up_to_the_limit(seconds: float) -> None:
    assert judge_site(wanted(), seen(clock_offset_seconds=seconds)) == ()


@pytest.mark.parametrize(
    ("about", "code", "exit_code", "fix"),
    [
        ({"denied": True}, "registry.login-refused", ExitCode.LOGIN_REFUSED, "docker login reg:5"),
        ({"missing": True}, "registry.image-missing", ExitCode.SOURCE_FAILED, "push the image"),
        ({}, "registry.unreachable", ExitCode.SAFETY_REFUSED, "docker manifest inspect reg:5/a:1"),
    ],
)
def test_an_image_that_cannot_be_pulled_is_told_with_its_reason(
    about: dict[str, bool], code: str, exit_code: ExitCode, fix: str
) -> None:
    check = ImageCheck(image="reg:5/a:1", ok=False, words="unauthorized", **about)  # type: ignore[arg-type]  # flags by name
    fine = ImageCheck(image="reg:5/b:1", ok=True)
    problem = only(wanted(), seen(images=(fine, check)))
    assert (problem.code, problem.exit_code) == (code, exit_code)
    assert problem.fix.startswith(fix)
    assert problem.evidence == ("unauthorized",)
    silent = only(wanted(), seen(images=(replace(check, words=""),)))
    assert silent.evidence == ()


def test_an_image_for_machines_that_are_not_there_is_refused() -> None:
    there = running(SERVER)
    nodes = tuple(replace(one, platform="linux/amd64") for one in there.nodes)
    check = ImageCheck(image="reg:5/a:1", ok=True, platforms=("linux/arm64", "windows/amd64"))
    found = seen(sight=replace(there, nodes=nodes), images=(check,))
    problem = only(wanted(), found)
    assert (problem.code, problem.exit_code) == (
        "registry.other-platform",
        ExitCode.SOURCE_FAILED,
    )
    assert "reg:5/a:1 is for linux/arm64, windows/amd64" in problem.what
    assert problem.what.endswith("are linux/amd64")
    fine = replace(check, platforms=("linux/arm64", "linux/amd64"))
    assert judge_site(wanted(), replace(found, images=(fine,))) == ()


def test_a_service_that_has_no_room_is_refused() -> None:
    many = wanted_service(replicas=2, ports=(PublishedPort(port=80, mode="host"),))
    stack = desired(CLIENT, many)
    problem = only(wanted(desired=(stack,)), seen(sight=sight(nodes=(node(),))))
    assert (problem.code, problem.where.stack) == ("swarm.no-room", "app-client")
    assert problem.what.startswith("the tasks of web of app-client@far can never all run: of 2")
    assert "docker node ls" in problem.fix


def test_an_update_in_place_without_room_names_the_way_that_has_it() -> None:
    port = PublishedPort(port=80, mode="host")
    first = Fact("update", "order", "start-first")
    stack = desired(CLIENT, wanted_service(ports=(port,), facts=(first,)))
    there = running(CLIENT)
    held = replace(
        there.services[0], published=((80, "tcp", "host"),), facts=(Fact("user", "", "x"),)
    )
    before = replace(there, services=(held,))
    want = wanted(desired=(stack,), acted=(CLIENT,), in_place=frozenset({CLIENT}))
    problem = only(want, seen(sight=before))
    assert problem.code == "swarm.no-room"
    assert problem.fix.startswith("dtdeploy deploy app-client@far --strategy recreate")
    assert judge_site(replace(want, in_place=frozenset()), seen(sight=before)) == ()


def test_what_the_stack_needs_outside_must_answer() -> None:
    fine = (DATABASE, ProbeResult(ok=True, at=0.0, words="open"))
    down = (DATABASE, ProbeResult(ok=False, at=0.0, words="connection refused"))
    problem = only(wanted(), seen(requires=(fine, down)))
    assert problem.code == "preflight.dependency-down"
    assert problem.what == "database at db:5432 does not answer"
    assert problem.evidence == ("connection refused",)


@pytest.mark.parametrize("kind", ["network", "config", "secret"])
def test_what_a_compose_file_calls_external_must_exist(kind: str) -> None:
    asks = replace(desired(), **{f"external_{kind}s": ("there", "missing")})  # type: ignore[arg-type]  # by name
    found = seen(**{f"all_{kind}s": ("there",)})
    problem = only(wanted(desired=(asks,)), found)
    assert problem.code == f"swarm.{kind}-missing"
    assert problem.what == f"the external {kind} missing does not exist"
    assert problem.where.stack == "app-client"


NET = ("network", "app_net")


def test_what_another_unit_of_the_plan_makes_is_not_missing() -> None:
    user = replace(desired(), external_networks=(NET[1],), external_volumes=("data",))
    maker = replace(desired(SHOP), networks=(NET[1],))
    assert judge_site(wanted(desired=(user, maker)), seen()) == ()


def test_what_goes_with_a_stack_that_goes_down_will_be_missing() -> None:
    user = replace(desired(), external_networks=(NET[1],))
    there = seen(sight=sight(networks=(resource(NET[1], SHOP.stack),)), all_networks=(NET[1],))
    assert judge_site(wanted(desired=(user,)), there) == ()
    want = wanted(desired=(user,), removed=frozenset({SHOP.stack}))
    problem = only(want, there)
    assert problem.code == "swarm.network-missing"
    assert problem.what == "the external network app_net will not exist"
    again = replace(desired(SHOP), networks=(NET[1],))
    assert judge_site(replace(want, desired=(user, again)), there) == ()


def test_who_would_make_what_is_missing_is_named() -> None:
    user = replace(desired(), external_networks=(NET[1],))
    uses = (Use(user=CLIENT, maker=SHOP, kind=NET[0], name=NET[1]),)
    problem = only(wanted(desired=(user,), uses=uses), seen())
    assert problem.fix == f"{SHOP} makes it: dtdeploy up {SHOP} {CLIENT}"


def test_what_others_use_by_now_does_not_go_down() -> None:
    there = sight(
        networks=(resource(NET[1], SHOP.stack),),
        services=(service("x", "app-client", facts=(Fact(NET[0], NET[1], ""),)),),
    )
    ours = frozenset({"app-client", SHOP.stack})
    want = wanted(removed=frozenset({SHOP.stack}), ours=ours, command=Command.DOWN)
    problem = only(want, seen(sight=there))
    assert problem.code == "removal.in-use"
    assert problem.fix == f"dtdeploy down {SHOP} {CLIENT}"


NO_SERVICE = "a process or container that is no Swarm service"
HTTP = ((80, "tcp", "ingress"),)
PORTS = (Wish(PublishedPort(port=80), "app-client@far"),)


@pytest.mark.parametrize(
    ("found", "by"),
    [
        (seen(sight=sight(services=(service(stack="shop", published=HTTP),))), "shop_web"),
        (seen(listening=((22, "tcp"), (80, "tcp"))), NO_SERVICE),
        (
            seen(
                sight=sight(
                    services=(
                        service(published=HTTP),
                        service(stack="shop", published=HTTP),
                    )
                )
            ),
            "shop_web",
        ),
    ],
)
def test_a_port_that_somebody_else_has_is_taken(found: Examination, by: str) -> None:
    problem = only(wanted(acted=(CLIENT,), ports=PORTS), found)
    assert problem.code == "swarm.port-taken"
    assert problem.what == f"port 80/tcp, which app-client@far publishes, is taken by {by}"


@pytest.mark.parametrize(
    "found",
    [
        seen(),
        seen(listening=((22, "tcp"), (80, "udp"))),
        seen(sight=sight(services=(service(published=HTTP),))),
        # Docker's own proxy listens for a published port.
        seen(sight=sight(services=(service(published=HTTP),)), listening=((80, "tcp"),)),
    ],
)
def test_a_port_that_the_unit_itself_has_is_not(found: Examination) -> None:
    assert judge_site(wanted(acted=(CLIENT,), ports=PORTS), found) == ()


@pytest.mark.parametrize(
    ("there", "wanted_port", "is_free"),
    [
        ((53, "tcp", "ingress"), PublishedPort(port=53, protocol="udp"), True),
        ((53, "udp", "ingress"), PublishedPort(port=53, protocol="udp"), False),
        ((80, "tcp", "host"), PublishedPort(port=80, mode="host"), True),
        ((80, "tcp", "host"), PublishedPort(port=80), False),
        ((80, "tcp", "ingress"), PublishedPort(port=80, mode="host"), False),
    ],
)
def test_a_port_is_taken_by_protocol_and_mode(
    there: tuple[int, str, str], wanted_port: PublishedPort, *, is_free: bool
) -> None:
    found = seen(sight=sight(services=(service(stack="shop", published=(there,)),)))
    ports = (Wish(wanted_port, "app-client@far"),)
    assert (judge_site(wanted(acted=(CLIENT,), ports=ports), found) == ()) is is_free


def test_a_process_that_listens_has_no_udp_port() -> None:
    ports = (Wish(PublishedPort(port=53, protocol="udp"), "app-client@far"),)
    assert judge_site(wanted(acted=(CLIENT,), ports=ports), seen(listening=((53, "tcp"),))) == ()


def test_the_other_protocol_of_a_port_of_its_own_is_not_its_own() -> None:
    before = sight(services=(service(published=((53, "udp", "ingress"),)),))
    ports = (Wish(PublishedPort(port=53), "app-client@far"),)
    found = seen(sight=before, listening=((53, "tcp"),))
    assert codes(judge_site(wanted(acted=(CLIENT,), ports=ports), found)) == ["swarm.port-taken"]


@pytest.mark.parametrize(("mode", "words"), [("ingress", "no login by SSH is left"), ("host", "")])
def test_a_port_of_sshd_is_never_taken(mode: str, words: str) -> None:
    ports = (Wish(PublishedPort(port=22, mode=mode), "app-client@far"),)
    problem = only(wanted(ports=ports), seen(listening=((22, "tcp"),)))
    assert problem.code == "swarm.port-taken"
    assert words in "".join(problem.evidence)


def test_two_units_of_one_plan_cannot_both_have_a_port() -> None:
    port = PublishedPort(port=80)
    ports = (Wish(port, "app@far"), Wish(port, "app@far"), Wish(port, "shop@far"))
    problem = only(wanted(acted=(CLIENT,), ports=ports), seen())
    by = "app@far, which is deployed by the same plan"
    assert problem.what == f"port 80/tcp, which shop@far publishes, is taken by {by}"


@pytest.mark.parametrize(
    ("version", "is_refused"),
    [("20.10.24+dfsg1", True), ("23.0.1", False), ("28.2.2", False), ("", False)],
)
def test_an_old_docker_command_deploys_no_jobs(version: str, *, is_refused: bool) -> None:
    job = desired(CLIENT, wanted_service("web"), wanted_service("job", mode=Mode.GLOBAL_JOB))
    found = judge_site(wanted(desired=(job,)), seen(cli_version=version))
    assert [problem.code for problem in found] == ["source.manager-refuses"] * is_refused


def test_a_stack_that_nobody_declared_is_told_where_it_is_in_the_way() -> None:
    found = seen(sight=sight(services=(service(stack="app-extra"),)))
    ours = Ownership(managed=("app*",))
    here = wanted(declared=frozenset({"app-client"}), ownership=ours)
    problem = only(here, found)
    assert "ignore: [app-extra]" in problem.fix
    assert not problem.evidence
    assert problem.code == "swarm.undeclared-stack"
    assert problem.where.stack == "app-extra"
    assert judge_site(wanted(declared=None, ownership=ours), found) == ()


def test_a_stack_that_seems_to_be_ours_under_another_name_is_told_as_such() -> None:
    found = seen(sight=sight(services=(service("web", "app-new"),)))
    here = wanted(
        declared=frozenset({"app-client"}),
        ownership=Ownership(managed=("app*",)),
        desired=(desired(CLIENT, wanted_service("web")),),
    )
    assert "services are those of app-client" in only(here, found).evidence[0]


def test_what_this_run_may_not_remove_itself_must_be_gone() -> None:
    found = seen(sight=running(CLIENT))
    problem = only(wanted(must_be_gone=(CLIENT,)), found)
    assert problem.code == "removal.blocked"
    assert problem.evidence[0] == "service app-client_web"
    assert judge_site(wanted(must_be_gone=(SERVER,)), found) == ()


def test_all_that_is_wrong_is_told_at_once() -> None:
    found = seen(
        api_version="1.1", disk_free_bytes=0, clock_offset_seconds=99, listening=((80, "tcp"),)
    )
    want = wanted(acted=(CLIENT,), desired=(desired(),), ports=PORTS)
    assert codes(judge_site(want, found)) == [
        "docker.too-old",
        "site.disk-low",
        "site.clock-skew",
        "swarm.port-taken",
    ]
