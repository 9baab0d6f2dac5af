"""The witness's verdict on made-up events."""

import itertools

from lab.witness.judge import violations
from lab.witness.recorder import parse
from lab.witness.records import Event, LogLine

CHIME = "frb-vsop.chime"
_COUNT = itertools.count(1)


def service(at: float, host: str, name: str, action: str) -> Event:
    return Event(at, at, host, "service", action, "swarm", f"s-{host}-{name}", {"name": name})


def container(at: float, host: str, service_name: str, action: str) -> Event:
    labels = {
        "com.docker.stack.namespace": service_name.partition("_")[0],
        "com.docker.swarm.service.name": service_name,
        "name": f"{service_name}.1.x",
    }
    return Event(at, at, host, "container", action, "local", f"c-{host}-{service_name}", labels)


def first_deploy() -> list[Event]:
    return [
        service(1, CHIME, "datatrail_server", "create"),
        container(2, CHIME, "datatrail_server", "start"),
        container(3, CHIME, "datatrail_server", "health_status: healthy"),
        service(4, "aux.kko", "datatrail-client_replicator", "create"),
        container(5, "kko-w1", "datatrail-client_replicator", "start"),
    ]


def teardown_of_client() -> list[Event]:
    return [
        service(6, "aux.kko", "datatrail-client_replicator", "remove"),
        container(8, "kko-w1", "datatrail-client_replicator", "die"),
    ]


def test_the_safe_order_is_no_violation() -> None:
    removal = service(9, CHIME, "datatrail_server", "remove")
    assert violations([*first_deploy(), *teardown_of_client(), removal], []) == []


def test_a_server_removed_while_a_worker_still_runs_a_client() -> None:
    removal = service(7, CHIME, "datatrail_server", "remove")
    found = violations([*first_deploy(), *teardown_of_client(), removal], [])
    what = "datatrail_server was removed while datatrail-client_replicator ran at kko-w1"
    assert found == [f"7.00 {CHIME}: {what}"]


def test_a_server_removed_while_a_clients_service_exists() -> None:
    events = [*first_deploy(), container(6, "kko-w1", "datatrail-client_replicator", "die")]
    found = violations([*events, service(7, CHIME, "datatrail_server", "remove")], [])
    assert "service datatrail-client_replicator existed at aux.kko" in found[0]


def test_a_client_created_before_the_server_was_healthy() -> None:
    events = [event for event in first_deploy() if "healthy" not in event.action]
    assert "created before the server was healthy" in violations(events, [])[0]


def test_a_client_created_after_the_server_died() -> None:
    late = service(7, "aux.gbo", "datatrail-client_replicator", "create")
    died = container(6, CHIME, "datatrail_server", "die")
    assert len(violations([*first_deploy(), died, late], [])) == 1


def cut_off(at: float) -> LogLine:
    return LogLine(at, "kko-w1", "datatrail-client_replicator.1.x", "UNREACHABLE a:8001")


def test_a_client_that_could_not_reach_a_server_that_had_died() -> None:
    died = container(6, CHIME, "datatrail_server", "die")
    [found] = violations([*first_deploy(), died], [cut_off(9)])
    assert "could not reach the server" in found


def test_a_client_that_says_late_that_the_server_had_died() -> None:
    died = container(6, CHIME, "datatrail_server", "die")
    healthy = container(8, CHIME, "datatrail_server", "health_status: healthy")
    assert len(violations([*first_deploy(), died, healthy], [cut_off(11)])) == 1


def test_a_client_whose_way_to_a_healthy_server_was_cut() -> None:
    assert violations(first_deploy(), [cut_off(15)]) == []


def test_what_was_before_the_window_is_not_judged_but_remembered() -> None:
    events = [*first_deploy(), service(7, CHIME, "datatrail_server", "remove")]
    assert violations(events, [], since=7.5) == []
    assert len(violations(events, [], since=6)) == 1


def test_events_are_judged_in_the_order_of_their_times() -> None:
    removal = service(9, CHIME, "datatrail_server", "remove")
    events = [removal, *teardown_of_client(), *first_deploy()]
    assert violations(events, []) == []


def test_a_swarms_own_update_is_no_mutation() -> None:
    state = {"name": "datatrail_server", "updatestate.new": "completed"}
    own = Event(1, 1, CHIME, "service", "update", "swarm", "s", state)
    assert not own.is_mutation
    assert service(1, CHIME, "datatrail_server", "update").is_mutation


def test_a_container_is_a_mutation_only_when_no_swarm_made_it() -> None:
    by_hand = Event(1, 1, CHIME, "container", "create", "local", "c", {"name": "x"})
    assert by_hand.is_mutation
    assert not container(1, CHIME, "datatrail_server", "create").is_mutation


def test_a_syslog_message_is_split_into_container_and_text() -> None:
    name = "datatrail_server.1.x"
    message = f"<30>1 2026-11-22T12:00:00.000001Z aux.kko {name} 12 {name} - a b\n"
    assert parse(message) == {"container": name, "text": "a b"}
