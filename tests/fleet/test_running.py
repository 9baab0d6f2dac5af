from dataclasses import replace

from orchestrator.fleet.desired import DesiredService, DesiredStack, PublishedPort
from orchestrator.fleet.observed import Mode, TaskState
from orchestrator.fleet.running import (
    LABEL_FORMER,
    LABEL_FORMER_RELEASE,
    LABEL_RELEASE,
    LABEL_REPO,
    LABEL_REVISION,
    LABEL_RUN,
    MIXED,
    Origin,
    as_running,
    origin,
    running_since,
)
from tests.build import CLIENT, SERVER, service, sight, task, unseen

LABELS = (
    (LABEL_REPO, "app"),
    (LABEL_REVISION, "a"),
    (LABEL_RELEASE, "d"),
    (LABEL_RUN, "r1"),
    (LABEL_FORMER, "b"),
    (LABEL_FORMER_RELEASE, "e"),
)


def test_where_it_came_from_is_read_from_the_labels() -> None:
    seen = sight(services=(service(labels=LABELS), service("x", labels=LABELS)))
    assert origin(CLIENT, seen) == Origin(
        repo="app", revision="a", release="d", run="r1", former="b", former_release="e"
    )


def test_services_that_disagree_are_mixed_one_without_a_label_too() -> None:
    other = service("x", labels=((LABEL_REPO, "app"), (LABEL_REVISION, "b")))
    found = origin(CLIENT, sight(services=(service(labels=LABELS), other)))
    assert found == Origin(
        repo="app", revision=MIXED, release=MIXED, run=MIXED, former=MIXED, former_release=MIXED
    )


def test_what_others_deployed_says_nothing() -> None:
    assert origin(CLIENT, sight(services=(service(),))) == Origin()
    assert origin(SERVER, sight(services=(service(labels=LABELS),))) == Origin()


def test_what_runs_is_told_in_the_words_of_a_compose_file() -> None:
    web = service(
        "web",
        image="app:2",
        replicas=3,
        grace_seconds=20.0,
        published=((80, "tcp", "ingress"), (53, "udp", "host")),
    )
    agent = service("agent", mode=Mode.GLOBAL)
    seen = sight(services=(web, agent, service(stack=SERVER.stack)))
    assert as_running(CLIENT, seen) == DesiredStack(
        unit=CLIENT,
        services=(
            DesiredService(name="agent", image="", mode=Mode.GLOBAL),
            DesiredService(
                name="web",
                image="app:2",
                replicas=3,
                grace_seconds=20.0,
                ports=(
                    PublishedPort(port=80),
                    PublishedPort(port=53, protocol="udp", mode="host"),
                ),
            ),
        ),
    )


def test_what_operators_rely_on_is_not_content_with_nothing() -> None:
    seen = sight(services=(service("web", replicas=0), service("extra", replicas=0)))
    replicas = {s.name: s.replicas for s in as_running(CLIENT, seen, relied_on=("web",)).services}
    assert replicas == {"web": 1, "extra": 0}
    more = sight(services=(service("web", replicas=3),))
    assert as_running(CLIENT, more, relied_on=("web",)).services[0].replicas == 3


def test_a_unit_runs_since_the_last_of_its_tasks_began() -> None:
    tasks = (
        replace(task("a"), since=10.0),
        replace(task("b"), since=30.0),
        replace(task("c", state=TaskState.FAILED), since=50.0),
        task("d"),
    )
    assert running_since(CLIENT, sight(tasks=tasks)) == 30.0


def test_nobody_says_since_when_what_does_not_run_or_is_not_seen() -> None:
    assert running_since(CLIENT, sight()) is None
    assert running_since(CLIENT, unseen()) is None
