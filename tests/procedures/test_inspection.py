from dataclasses import replace

import pytest

from orchestrator.errors import ExitCode
from orchestrator.fleet.ownership import Ownership
from orchestrator.procedures.inspection import (
    Check,
    Inspection,
    Named,
    State,
    checks,
    differing_versions,
)
from tests.build import node

WELL = Inspection(
    site="far",
    engine_version="20.10.24",
    cli_version="20.10.24",
    api_version="1.41",
    disk_free_bytes=50 * 10**9,
    disk_total_bytes=100 * 10**9,
    pool_size=254,
    pool_used=12,
    reclaimable_bytes=10**9,
    certificate_days=60.0,
    releases=(("app", 5),),
    managers=(node("m1", leader=True),),
    named=(Named(host="m1.far", node_id="id-m1"),),
)
MANAGERS = tuple(replace(node(name), reachability="reachable") for name in ("m1", "m2", "m3"))
NAMED = tuple(Named(host=f"{node.hostname}.far", node_id=node.id) for node in MANAGERS)
APP = frozenset({"app"})


def judged(name: str, **other: object) -> Check:
    seen = replace(WELL, **other)  # type: ignore[arg-type]  # keyword values are the caller's own
    return next(check for check in checks(seen, APP) if check.name == name)


def test_a_site_that_is_well_passes_every_check() -> None:
    found = checks(WELL, APP)
    assert {check.state for check in found} == {State.OK}
    assert [check.problem for check in found] == [None] * len(found)
    assert len({check.name for check in found}) == 13


def test_stacks_of_which_nobody_said_whose_they_are_are_told_with_the_line_to_add() -> None:
    seen = replace(WELL, stacks=("app", "portainer", "traefik"))

    def told(ownership: Ownership) -> str:
        return next(c.words for c in checks(seen, APP, ownership) if c.name == "stacks")

    assert told(Ownership()).startswith("portainer, traefik not declared")
    assert told(Ownership(ignored=("tr*",))).endswith("ignore: [portainer]")
    assert told(Ownership(managed=("app*",))).startswith("each that runs")


@pytest.mark.parametrize(
    ("name", "other", "code"),
    [
        ("ingress pool", {"pool_used": 204}, "swarm.ingress-nearly-full"),
        ("ingress pool", {"starved": ("app_web",)}, "swarm.ingress-nearly-full"),
        ("disk", {"disk_free_bytes": 9 * 10**9}, "site.disk-nearly-full"),
        ("images", {"reclaimable_bytes": 5 * 10**9}, "site.images-unused"),
        ("certificate", {"certificate_days": 17.0}, "swarm.certificate-expires"),
        (
            "certificate",
            {"certificate_days": 0.1, "certificate_life_days": 1.0},
            "swarm.certificate-expires",
        ),
        ("clock", {"clock_offset_seconds": -2.5}, "site.clock-drifts"),
        ("SSH sessions", {"sessions": 6}, "site.sessions-few"),
        ("releases", {"releases": (("app", 6),)}, "site.releases-unused"),
        ("releases", {"releases": (("other", 1),)}, "site.releases-unused"),
        ("versions", {"engine_version": "19.03.15"}, "site.engine-untried"),
        ("versions", {"engine_version": "20.9"}, "site.engine-untried"),
        ("versions", {"engine_version": "29.0.0-rc.1"}, "site.engine-untried"),
        ("versions", {"engine_version": ""}, "site.engine-untried"),
        ("versions", {"engine_version": "dev"}, "site.engine-untried"),
    ],
)
def test_what_wears_out_is_warned_of(name: str, other: dict[str, object], code: str) -> None:
    check = judged(name, **other)
    assert check.state is State.WARNING
    assert check.problem is not None
    assert (check.problem.code, check.problem.exit_code) == (code, ExitCode.DONE)
    assert check.problem.fix
    assert check.problem.evidence


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("ingress pool", {"pool_used": 203}),
        ("disk", {"disk_free_bytes": 10 * 10**9}),
        ("images", {"reclaimable_bytes": 5 * 10**9 - 1}),
        ("certificate", {"certificate_days": 18.0}),
        ("certificate", {"certificate_days": 0.5, "certificate_life_days": 1.0}),
        ("clock", {"clock_offset_seconds": 1.9}),
        ("SSH sessions", {"sessions": 7}),
        ("releases", {"releases": ()}),
        ("versions", {"engine_version": "20.10.0"}),
        ("versions", {"engine_version": "24.0.9-ce"}),
        ("versions", {"engine_version": "28.99"}),
    ],
)
def test_what_is_still_good_is_not(name: str, other: dict[str, object]) -> None:
    assert judged(name, **other).state is State.OK


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("ingress pool", {"pool_size": None}),
        ("disk", {"disk_free_bytes": None}),
        ("images", {"reclaimable_bytes": None}),
        ("certificate", {"certificate_days": None}),
    ],
)
def test_what_cannot_be_known_says_why(name: str, other: dict[str, object]) -> None:
    check = judged(name, **other, unknown=((name, "nobody may read it"),))
    assert (check.state, check.words) == (State.UNKNOWN, "not known: nobody may read it")
    assert judged(name, **other).words == "not known: it could not be found out"


def test_the_site_whose_docker_differs_from_most_is_warned_of() -> None:
    others = [replace(WELL, site=name) for name in ("a", "b", "c")]
    odd = replace(WELL, site="d", engine_version="28.2.2", cli_version="")
    found = differing_versions((*others, odd))
    assert [(p.where.site, p.code) for p in found] == [("d", "site.versions-differ")] * 2
    assert "28.2.2" in found[0].what
    assert "not known" in found[1].what
    assert differing_versions(tuple(others)) == ()


def test_the_engines_that_were_tried_are_named_wherever_versions_are() -> None:
    assert judged("versions").words == (
        "engine 20.10.24, command 20.10.24, API 1.41; tried are engines 20.10 to 28"
    )
    assert "20.10 to 28" in judged("versions", engine_version="30.1").words
    assert judged("versions", engine_version="", cli_version="").words.startswith(
        "engine not known, command not known, "
    )


def test_an_image_that_could_not_be_pulled_again_is_named_with_what_to_type() -> None:
    seen = replace(WELL, unpullable=(("reg:5/a:1@sha256:aa", "unauthorized"), ("reg:5/b:1", "no")))
    found = next(check for check in checks(seen, APP) if check.name == "pulls")
    assert (found.state, found.words) == (
        State.WARNING,
        "2 images of services could not be pulled again",
    )
    assert found.problem is not None
    assert found.problem.code == "registry.not-pullable"
    assert found.problem.evidence == ("reg:5/a:1@sha256:aa: unauthorized", "reg:5/b:1: no")
    assert found.problem.fix.startswith("docker login reg:5   # on ")


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ((("reg:5", 86_400.0),), ""),
        ((("reg:5", 86_399.0),), "the login to reg:5 ends in 23 h 59 min"),
        ((("reg:5", 90_000.0), ("hub", -1.0)), "the login to hub has ended"),
    ],
)
def test_a_login_that_ends_within_a_day_is_named(
    ends: tuple[tuple[str, float], ...], words: str
) -> None:
    found = next(c for c in checks(replace(WELL, logins_end=ends), APP) if c.name == "logins")
    assert (found.state is State.WARNING) == bool(words)
    if words:
        assert found.words == words
        assert found.problem is not None
        assert found.problem.code == "registry.login-expires"


def test_a_swarm_whose_managers_are_all_named_and_there_is_well() -> None:
    for name in ("managers", "quorum"):
        assert judged(name, managers=MANAGERS, named=NAMED).problem is None


def test_managers_that_are_not_named_are_told_with_the_line_to_add() -> None:
    problem = judged("managers", managers=MANAGERS, named=NAMED[:1]).problem
    assert problem is not None
    assert problem.evidence == ("m2 is not named", "m3 is not named")
    assert problem.fix.startswith("manager: [m1.far, m2, m3]")


def test_one_that_does_not_answer_is_told_and_not_taken_for_another() -> None:
    away = (Named(host="m1.far", words="does not answer"), *NAMED[1:])
    check = judged("managers", managers=MANAGERS, named=away, via="m2.far")
    assert "asked through m2.far, since m1.far does not answer" in check.words
    assert check.problem is not None
    assert check.problem.evidence == ("m1.far: does not answer",)


def test_one_that_lacks_a_login_is_told() -> None:
    lacking = (*NAMED[:2], replace(NAMED[2], no_login=("registry.example",)))
    problem = judged("managers", managers=MANAGERS, named=lacking).problem
    assert problem is not None
    assert "m3.far: not logged in, docker login registry.example" in problem.evidence


@pytest.mark.parametrize(("there", "of", "thin"), [(3, 3, 0), (2, 3, 1), (2, 2, 1), (1, 1, 0)])
def test_a_quorum_that_one_more_loss_ends_is_warned_of(there: int, of: int, thin: int) -> None:
    nodes = tuple(
        replace(node, reachability="reachable" if at < there else "unreachable")
        for at, node in enumerate(MANAGERS[:of])
    )
    problem = judged("quorum", managers=nodes, named=NAMED[:of]).problem
    assert (problem is not None) == bool(thin)
    if problem is not None:
        assert problem.code == "swarm.quorum-thin"
        assert len(problem.evidence) == 1 + of - there
