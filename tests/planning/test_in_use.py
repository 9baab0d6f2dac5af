from orchestrator.errors import ExitCode, Problem
from orchestrator.fleet.observed import Attached, Fact, Service
from orchestrator.planning.in_use import in_use
from orchestrator.planning.plan import Command
from tests.build import resource, service, sight

DB, APP, NET = "shop-db", "shop-app", "shop-db_net"
JOINED = (Fact("network", NET, ""),)
MOUNTS = (Fact("mount", "/d", "volume shop-db_data"),)
OURS = frozenset({DB, APP})


def user(stack: str = APP, name: str = "web", facts: tuple[Fact, ...] = JOINED) -> Service:
    return service(name, stack, facts=facts)


def found(
    *services: Service,
    command: Command = Command.DOWN,
    removed: str = DB,
    attached: tuple[Attached, ...] = (),
) -> tuple[Problem, ...]:
    look = sight(networks=(resource(NET, DB),), services=services, attached=attached)
    return in_use(look, command, frozenset(removed.split()), OURS, ssh="ada@far")


def test_who_goes_down_as_well_is_in_nobodys_way() -> None:
    assert found(user(), removed=f"{DB} {APP}") == ()
    assert found(user(), removed=APP) == ()


def test_volumes_stay_and_block_nothing() -> None:
    assert found(user(DB, facts=MOUNTS), user(facts=MOUNTS)) == ()


def test_a_declared_user_is_named_with_the_command_that_takes_both() -> None:
    [problem] = found(user())
    assert (problem.code, problem.exit_code) == ("removal.in-use", ExitCode.SAFETY_REFUSED)
    assert problem.what == (
        "shop-db@far cannot go down: service shop-app_web would lose what it makes"
    )
    assert problem.evidence == ("service shop-app_web uses network shop-db_net",)
    assert problem.fix == "dtdeploy down shop-db@far shop-app@far"
    assert problem.state_left == "nothing was touched"
    [again] = found(user(), command=Command.DEPLOY)
    assert again.fix == "dtdeploy restart shop-db@far shop-app@far"


def test_what_is_not_ours_is_named_with_what_shows_it() -> None:
    attached = (Attached(id="0ff61d5af5cd", node_id="id-far-m", network=NET),)
    [problem] = found(user("metrics", "agent"), attached=attached)
    assert "service metrics_agent, container 0ff61d5af5cd on far-m" in problem.what
    assert problem.fix.splitlines() == [
        "look, and stop first what is not dtdeploy's:",
        "ssh ada@far docker service ps metrics_agent",
        "ssh ada@far docker ps -a --filter id=0ff61d5af5cd",
    ]


def test_many_are_counted() -> None:
    [problem] = found(*(user("other", f"s{n}") for n in range(7)))
    assert "service other_s4 and 2 more would lose" in problem.what
