from orchestrator.planning.plan import Action
from orchestrator.ui.docker_words import commands_once
from tests.ui.values import CLIENTS, KKO, SERVER, UNITS, unit_plan


def test_what_stacks_and_sites_share_is_said_once() -> None:
    assert commands_once([unit_plan(unit) for unit in UNITS]) == (
        "docker service rm $(docker service ls -q -f label=com.docker.stack.namespace=STACK)",
        "docker stack ps STACK   # until no task runs any more",
        "docker stack rm STACK",
        "docker stack deploy -c stacks/server-compose.yaml --with-registry-auth datatrail",
        "docker stack deploy -c stacks/daemon-compose.yaml --with-registry-auth datatrail-daemons",
        "docker stack deploy -c stacks/SITE-client.yaml --with-registry-auth datatrail-client",
    )


def test_one_unit_keeps_its_own_names() -> None:
    item = unit_plan(KKO)
    assert commands_once([item]) == item.commands


def test_a_stack_at_several_sites_keeps_its_name() -> None:
    words = commands_once([unit_plan(unit, Action.UP) for unit in CLIENTS])
    assert words == (
        "docker stack deploy -c stacks/SITE-client.yaml --with-registry-auth datatrail-client",
    )


def test_a_stack_whose_name_begins_another_ones_is_not_taken_for_it() -> None:
    words = commands_once([unit_plan(SERVER, Action.UP), unit_plan(KKO, Action.UP)])
    assert all("STACK" not in word for word in words)


def test_nothing_is_said_of_units_that_stay() -> None:
    assert commands_once([unit_plan(unit, Action.KEEP) for unit in UNITS]) == ()
