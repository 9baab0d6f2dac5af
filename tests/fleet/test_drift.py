import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.fleet.desired import DesiredService, DesiredStack
from orchestrator.fleet.drift import Change, How, drift, kept_volumes, moved_images
from orchestrator.fleet.facts import SECRETIVE
from orchestrator.fleet.observed import Contents, Fact, Facts, Volume
from tests.build import CLIENT, resource, service
from tests.fleet.test_masked import masked

IMAGE = Fact("image", "", "app:1")


def wanted(*facts: Fact, name: str = "web", **other: object) -> DesiredService:
    return DesiredService(name=name, image="app:1", facts=(IMAGE, *facts), **other)  # type: ignore[arg-type]  # keyword values are the caller's own


def stack(*services: DesiredService, **other: object) -> DesiredStack:
    return DesiredStack(unit=CLIENT, services=services, **other)  # type: ignore[arg-type]  # as above


def runs(*facts: Fact, name: str = "web", image: str = "app:1@sha256:aa") -> Contents:
    return Contents(services=(service(name, image=image, facts=(IMAGE, *facts)),))


def lines(*changes: Change) -> list[str]:
    return [str(change) for change in changes]


def between(declared: tuple[Fact, ...], now: tuple[Fact, ...], *public: str) -> list[str]:
    return lines(*drift(stack(wanted(*declared)), runs(*now), public=frozenset(public)))


NFS = Volume(name="app_data", options=(("device", ":/export"), ("o", "addr=nas,vers=4")))


@pytest.mark.parametrize(
    ("there", "told"),
    [
        ((), []),
        ((NFS,), []),
        ((Volume(name="app_other"),), []),
        ((Volume(name="app_data"),), ["volume app_data differs (values hidden)"]),
        (
            (Volume(name="app_data", driver="rexray", options=NFS.options),),
            ["volume app_data driver rexray, declared driver local"],
        ),
    ],
)
def test_a_volume_that_is_there_keeps_what_it_was_made_with(
    there: tuple[Volume, ...], told: list[str]
) -> None:
    changes = kept_volumes(stack(wanted(), volume_options=(NFS,)), there)
    assert lines(*changes) == told
    assert not any(change.mended_by_update for change in changes)


SHOWN = tuple((name, masked(value)) for name, value in NFS.options)


@pytest.mark.parametrize(
    ("options", "differs"),
    [
        (SHOWN, False),
        (SHOWN[:1], True),
        ((SHOWN[0], ("p", SHOWN[1][1])), True),
        ((SHOWN[0], ("o", masked("addr=other"))), True),
    ],
)
def test_options_of_a_volume_that_are_shown_as_digests(
    options: tuple[tuple[str, str], ...], *, differs: bool
) -> None:
    there = (Volume(name="app_data", options=options),)
    told = ["volume app_data differs (values hidden)"] if differs else []
    assert lines(*kept_volumes(stack(wanted(), volume_options=(NFS,)), there)) == told


@pytest.mark.parametrize(
    ("kind", "item", "value"),
    [
        ("environment", "TOKEN", "x"),
        ("environment", "EMPTY", ""),
        ("label", "team.key", "[odd"),
        ("command", "", '["serve", "--key=x"]'),
        ("health check", "", '["CMD", "true"]'),
    ],
)
def test_values_that_are_shown_as_digests_are_compared_and_never_told(
    kind: str, item: str, value: str
) -> None:
    words = json.loads(value) if kind in ("command", "health check") else []
    shown = json.dumps([masked(word) for word in words]) if words else masked(value)
    declared, now = Fact(kind, item, value), Fact(kind, item, shown)
    assert between((declared,), (now,)) == []
    other = Fact(kind, item, value.replace("[", '["more", ') if words else f"{value}y")
    (line,) = between((other,), (now,), "TOKEN")
    assert line == f"web: {kind} {item}".rstrip() + " differs (values hidden)"
    none = Fact(kind, item, "none")
    (line,) = between((none,), (now,), "TOKEN")
    assert "dtdeploy-look" not in line
    (line,) = between((), (now,), "TOKEN")
    assert "dtdeploy-look" not in line


def test_what_runs_as_declared_has_no_drift() -> None:
    fact = Fact("environment", "A", "1")
    assert between((fact,), (fact,)) == []


def test_services_are_missing_or_not_declared() -> None:
    found = drift(stack(wanted(name="web"), wanted(name="db")), runs(name="extra"))
    assert lines(*found) == [
        "service db missing",
        "service extra not declared",
        "service web missing",
    ]
    assert [change.mended_by_update for change in found] == [True, True, True]


@pytest.mark.parametrize(
    ("declared", "now", "line"),
    [
        ((Fact("replicas", "", "2"),), (Fact("replicas", "", "5"),), "web: replicas 5, declared 2"),
        (
            (Fact("limit", "memory", "128 MiB"),),
            (Fact("limit", "memory", "64 MiB"),),
            "web: limit memory 64 MiB, declared 128 MiB",
        ),
        ((), (Fact("limit", "memory", "64 MiB"),), "web: limit memory not declared: 64 MiB"),
        ((Fact("hostname", "", "a"),), (), "web: hostname none, declared a"),
        ((), (Fact("hostname", "", "a"),), "web: hostname a, declared none"),
        (
            (Fact("placement constraint", "node.role == worker", ""),),
            (),
            "web: placement constraint node.role == worker missing",
        ),
        ((), (Fact("environment", "T", "s3"),), "web: environment T not declared"),
        (
            (Fact("environment", "T", "s3"),),
            (Fact("environment", "T", "s4"),),
            "web: environment T differs (values hidden)",
        ),
        ((Fact("command", "", "s3"),), (), "web: command differs (values hidden)"),
    ],
)
def test_a_difference_is_told_in_one_line(
    declared: tuple[Fact, ...], now: tuple[Fact, ...], line: str
) -> None:
    assert between(declared, now) == [line]


@pytest.mark.parametrize(
    ("now", "same"),
    [
        ("bind /root/x, read-only", True),
        ("bind /root/y, read-only", False),
        ("bind /root/x", False),
        ("volume ~/x, read-only", False),
        ("", False),
    ],
)
def test_which_folder_is_home_only_the_manager_knows(now: str, *, same: bool) -> None:
    declared = Fact("mount", "/a", "bind ~/x, read-only")
    assert (between((declared,), (Fact("mount", "/a", now),)) == []) is same


def test_values_that_are_declared_public_are_shown_without_passwords() -> None:
    declared = Fact("environment", "URL", "https://me:s3cret@host/")
    now = Fact("environment", "URL", "https://host/")
    assert between((declared,), (now,), "URL") == [
        "web: environment URL https://host/, declared https://me:***@host/"
    ]
    assert between((), (Fact("environment", "L", "debug"),), "L") == [
        "web: environment L not declared: debug"
    ]
    label = Fact("label", "URL", "a")
    assert between((), (label,), "URL") == ["web: label URL not declared"]


def test_a_kind_that_a_secret_was_put_into_is_not_shown_at_all() -> None:
    now = (Fact("hostname", "", "old-s3cret"), Fact("extra host", "1.2.3.4 s3cret", ""))
    hidden = frozenset({"hostname", "extra host"})
    found = drift(
        stack(wanted(Fact("hostname", "", "s3cret"), hidden=hidden)),
        runs(*now, Fact("extra host", "1.2.3.5 s3cret", "")),
    )
    assert lines(*found) == [
        "web: extra host differs (values hidden)",
        "web: hostname differs (values hidden)",
    ]


def test_an_image_pinned_to_a_digest_must_run_at_it() -> None:
    pinned = DesiredService(name="web", image="app:1@sha256:bb", facts=(IMAGE,))
    assert lines(*drift(stack(pinned), runs())) == ["web: image digest aa, declared bb"]
    assert lines(*drift(stack(pinned), runs(image="app:1"))) == [
        "web: image digest none, declared bb"
    ]
    assert drift(stack(pinned), runs(image="app:1@sha256:bb")) == ()


def test_networks_configs_and_secrets_of_the_stack_are_compared_by_name() -> None:
    found = Contents(
        networks=(resource("app-client_default"), resource("app-client_old")),
        configs=(resource("app-client_conf"),),
    )
    wants = stack(networks=("app-client_default",), secrets=("app-client_key",))
    changes = drift(wants, found)
    assert lines(*changes) == [
        "network app-client_old not declared",
        "secret app-client_key missing",
        "config app-client_conf not declared",
    ]
    assert not any(change.mended_by_update for change in changes if change.how is How.EXTRA)


def test_the_most_important_comes_first_and_labels_last() -> None:
    now = tuple(
        Fact(kind, "x", "1")
        for kind in ("label", "hostname", "environment", "placement constraint")
    )
    kinds = [change.kind for change in drift(stack(wanted(name="a"), wanted()), runs(*now))]
    assert kinds == ["service", "environment", "placement constraint", "hostname", "label"]


def test_an_image_has_moved_when_its_tag_leads_elsewhere() -> None:
    moved = moved_images(stack(wanted()), runs(), {"app:1": "sha256:bb"})
    assert lines(*moved) == ["web: image app:1 moved: aa runs, the tag leads to bb now"]
    assert moved[0].mended_by_update


@pytest.mark.parametrize(
    ("image", "running", "digests"),
    [
        ("app:1", "app:1@sha256:aa", {"app:1": "sha256:aa"}),
        ("app:1", "app:1@sha256:aa", {}),
        ("app:1", "app:1", {"app:1": "sha256:bb"}),
        ("app:2", "app:1@sha256:aa", {"app:2": "sha256:bb"}),
        ("app:1@sha256:aa", "app:1@sha256:aa", {"app:1@sha256:aa": "sha256:bb"}),
    ],
)
def test_an_image_has_not_moved(image: str, running: str, digests: dict[str, str]) -> None:
    desired = stack(DesiredService(name="web", image=image))
    assert moved_images(desired, runs(image=running), digests) == ()


def test_a_service_that_does_not_run_has_no_image_that_moved() -> None:
    assert moved_images(stack(wanted(name="db")), runs(), {"app:1": "sha256:bb"}) == ()


_FACTS = st.lists(
    st.builds(
        Fact,
        st.sampled_from(["environment", "hostname", "label", "command", "limit"]),
        st.sampled_from(["", "a", "b"]),
        st.sampled_from(["", "1", "2"]),
    ),
    unique_by=lambda fact: (fact.kind, fact.item),
).map(lambda found: tuple(sorted(found)))


@given(_FACTS, _FACTS)
def test_there_is_drift_if_and_only_if_facts_differ(declared: Facts, now: Facts) -> None:
    found = drift(stack(wanted(*declared)), runs(*now))
    assert bool(found) == (declared != now)
    assert not any(change.now or change.declared for change in found if change.kind in SECRETIVE)
