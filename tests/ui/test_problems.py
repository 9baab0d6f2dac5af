from dataclasses import replace
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from orchestrator.errors import ExitCode, Problem, Where
from orchestrator.ui.causes import causes
from orchestrator.ui.problems import print_problems, render_problems
from tests.ui.golden import assert_golden
from tests.ui.values import CRASH, problem, with_secret

SITES = ("chime", "outrigger-buffer", "kko", "gbo", "hco")


def login_refused(site: str) -> Problem:
    image = "registry.chime/chimefrb/maestro-datatrail-client:latest"
    return problem(
        "registry.login-refused",
        f"the registry refuses {image} with the login of this manager",
        exit_code=ExitCode.LOGIN_REFUSED,
        where=Where(site=site),
        evidence=(f'Error response from daemon: Head "https://{image}": no basic auth',),
        fix=f"docker login registry.chime   # on {site}'s manager, as the SSH user",
        state_left="nothing was touched",
        runbook="service-not-healthy",
    )


def inventory_problem(line: int, what: str) -> Problem:
    return problem(
        "inventory.unknown-key",
        what,
        exit_code=ExitCode.INVENTORY_INVALID,
        where=Where(file="sites.yaml", line=line, column=5),
        fix="did you mean manager?",
        runbook="inventory-invalid",
    )


def unset_variable(site: str) -> Problem:
    return problem(
        "source.variable-unset",
        "variable SITE has no value",
        exit_code=ExitCode.INVENTORY_INVALID,
        where=Where(
            site=site,
            stack="datatrail-client",
            file="datatrail-admin@5d4c3b2a10:stacks/client.yaml",
            line=7,
            column=12,
        ),
        fix="set it under variables in sites.yaml",
        runbook="git-source-failed",
    )


GROUPS = {
    "one": [CRASH],
    "spoken": [
        replace(CRASH, last_words=("web.1: starting", "web.1: \x1b[31mno PASSWORD=hunter22 here")),
        *(
            problem(
                CRASH.code,
                CRASH.what,
                exit_code=CRASH.exit_code,
                where=replace(CRASH.where, site=site),
                last_words=(f"web.1: {site} is not what I expected",),
            )
            for site in ("gbo", "chime")
        ),
    ],
    "sites": [
        login_refused("kko"),
        problem(evidence=("ssh: connect to host aux.gbo port 22: Connection timed out",)),
        *(login_refused(site) for site in SITES if site != "kko"),
    ],
    "inventory": [
        inventory_problem(31, 'unknown key "manger"'),
        inventory_problem(12, 'unknown key "mangaer"'),
        unset_variable("kko"),
        unset_variable("gbo"),
    ],
    "bare": [Problem(code="usage.nothing", what="no unit was selected", exit_code=ExitCode.USAGE)],
}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", GROUPS)
def test_problems_read_well(name: str, width: int) -> None:
    assert_golden(f"problems-{name}-{width}", render_problems(GROUPS[name], width))


def test_nothing_is_said_of_no_problems() -> None:
    assert render_problems([]) == []


def test_the_problem_that_decides_the_exit_code_comes_first() -> None:
    host_key = problem(
        "ssh.host-key-changed", "it may be someone else", exit_code=ExitCode.HOST_KEY_REFUSED
    )
    lines = render_problems([CRASH, problem(), host_key])
    assert "ssh.host-key-changed" in lines[0]
    assert lines[-1] == "3 problems; exit code 12: host key refused"


def test_inventory_problems_come_in_the_order_of_the_file() -> None:
    lines = render_problems(GROUPS["inventory"])
    assert [line.split(" ")[0] for line in lines if line.startswith("sites.yaml")] == [
        "sites.yaml:12:5:",
        "sites.yaml:31:5:",
    ]


def test_one_cause_at_five_sites_is_said_once() -> None:
    (cause,) = causes(login_refused(site) for site in SITES)
    assert len(cause.problems) == 5
    assert cause.places == "chime, outrigger-buffer, kko, gbo, hco"
    assert cause.evidence == (("", login_refused("kko").evidence[0]),)


def test_what_sites_say_differently_is_told_apart() -> None:
    problems = [
        problem(where=Where(site="kko"), evidence=("timed out",)),
        problem(where=Where(site="gbo"), evidence=("no route to host",)),
    ]
    (cause,) = causes(problems)
    assert cause.evidence == (("kko", "timed out"), ("gbo", "no route to host"))
    text = "\n".join(render_problems(problems))
    assert "kko: timed out" in text
    assert "gbo: no route to host" in text


def test_units_of_several_stacks_are_grouped_without_a_wrong_name() -> None:
    problems = [
        problem(
            "deploy.unhealthy",
            f"{stack}@{site} will not become healthy",
            where=Where(stack=stack, site=site),
        )
        for stack, site in (("app", "kko"), ("app-client", "gbo"))
    ]
    (cause,) = causes(problems)
    assert cause.what == "STACK@SITE will not become healthy"
    assert cause.places == "app@kko, app-client@gbo"


def test_the_same_problem_twice_is_one() -> None:
    assert render_problems([CRASH, CRASH]) == render_problems([CRASH])


def test_what_many_services_say_alike_is_said_once_and_the_cause_stays() -> None:
    starting = tuple(f"app_s{number}/1 on host: starting" for number in range(30))
    words = (*starting[:15], "app_bad/1: rejected: No such image: app:9", *starting[15:])
    lines = render_problems([problem(evidence=words)])
    assert sum("starting" in line for line in lines) == 1
    assert any("app_bad/1: rejected: No such image: app:9" in line for line in lines)
    assert "and 27 more: starting" in " ".join(" ".join(lines).split())


def test_a_very_long_error_keeps_its_end_which_is_the_cause() -> None:
    words = "failed to create: " + "rpc error: " * 400 + "no space left on device"
    text = " ".join(" ".join(render_problems([problem(evidence=(words,))])).split())
    assert "no space left on device" in text
    assert len(text) < 2000


def test_commands_are_never_broken_over_lines() -> None:
    fix = "ssh-keygen -R aux.kko && " + "ssh-keyscan aux.kko >> ~/.ssh/known_hosts && " * 3 + "true"
    assert f"    next:     {fix}" in render_problems([problem(fix=fix)], 40)


def test_a_remedy_of_several_commands_is_told_in_full() -> None:
    commands = tuple(f"command number {number}" for number in range(5))
    lines = render_problems([problem(fix="\n".join(commands))])
    assert [line.split(maxsplit=1)[-1] for line in lines if "command number" in line][1:] == [
        f"number {number}" for number in range(1, 5)
    ]
    assert "    next:     command number 0" in lines


WORD = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12)
PHRASE = st.lists(WORD, min_size=1, max_size=6).map(" ".join)
PROBLEMS = st.lists(
    st.builds(
        Problem,
        code=WORD,
        what=PHRASE,
        exit_code=st.sampled_from(ExitCode),
        where=st.builds(Where, site=st.sampled_from(("", *SITES)), stack=st.just("")),
        evidence=st.lists(PHRASE, max_size=4).map(tuple),
        fix=PHRASE,
        runbook=WORD,
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda p: p.code,
)


@given(PROBLEMS)
def test_every_problem_is_told_with_its_code_words_and_remedy(problems: list[Problem]) -> None:
    text = " ".join(" ".join(render_problems(problems, 200)).split())
    for found in problems:
        for words in (f"[{found.code}]", found.what, found.fix, found.runbook, *found.evidence):
            assert words in text


@given(PROBLEMS, st.integers(min_value=1, max_value=30))
def test_no_width_is_too_narrow(problems: list[Problem], width: int) -> None:
    assert render_problems(problems, width)


def test_foreign_words_neither_steer_the_terminal_nor_leak() -> None:
    dirty = problem(
        what=with_secret("what"),
        evidence=(with_secret("evidence"),),
        fix=with_secret("fix"),
        state_left=with_secret("left"),
    )
    out = StringIO()
    print_problems([dirty], Console(file=out, width=80, force_terminal=True, color_system=None))
    assert "\x1b" not in out.getvalue()
    assert "hunter2" not in out.getvalue()
    assert out.getvalue().count("[bold]") == 4
