from dataclasses import replace

import pytest

from orchestrator.fleet.facts import digest_of, facts, tagged
from orchestrator.fleet.observed import Mode
from orchestrator.fleet.spec import (
    SECOND,
    Attachment,
    FileUse,
    HealthCheck,
    Mount,
    Port,
    Resources,
    RestartPolicy,
    ServiceSpec,
    UpdatePolicy,
)

PLAIN = ServiceSpec(image="registry/app:1")
USUAL = [("image", "", "registry/app:1"), ("replicas", "", "1")]


def told(**other: object) -> list[tuple[str, str, str]]:
    """The facts that come with `other`, beside those of a plain service."""
    spec = replace(PLAIN, **other)  # type: ignore[arg-type]  # keyword values are the caller's own
    return [(f.kind, f.item, f.value) for f in facts(spec) if tuple(f) not in USUAL]


def test_a_service_of_which_nothing_is_said_has_an_image_and_one_replica() -> None:
    assert facts(PLAIN) == tuple(USUAL)


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("app", "app:latest"),
        ("app:1", "app:1"),
        ("docker.io/library/app", "app:latest"),
        ("index.docker.io/us/app:1", "us/app:1"),
        ("registry:5000/app", "registry:5000/app:latest"),
        ("registry:5000/app:2@sha256:ab", "registry:5000/app:2"),
        ("app@sha256:ab", "app@sha256:ab"),
    ],
)
def test_an_image_is_named_as_docker_names_it(image: str, name: str) -> None:
    assert tagged(image) == name


def test_a_digest_is_what_stands_behind_the_at() -> None:
    assert (digest_of("app:1@sha256:ab"), digest_of("app:1")) == ("sha256:ab", "")


@pytest.mark.parametrize(
    ("mode", "extra"),
    [
        (Mode.GLOBAL, []),
        (Mode.GLOBAL_JOB, []),
        (Mode.REPLICATED_JOB, [("replicas", "", "4")]),
        (Mode.REPLICATED, [("replicas", "", "4")]),
    ],
)
def test_only_what_has_replicas_counts_them(mode: Mode, extra: list[tuple[str, str, str]]) -> None:
    kinds = [] if mode is Mode.REPLICATED else [("mode", "", mode.value)]
    found = facts(replace(PLAIN, mode=mode, replicas=4, concurrent=4))
    assert [tuple(fact) for fact in found if fact.kind != "image"] == [*kinds, *extra]


def test_a_job_tells_how_many_run_at_once_where_that_is_not_all() -> None:
    job = told(mode=Mode.REPLICATED_JOB, replicas=4, concurrent=2)
    assert ("concurrent replicas", "", "2") in job


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"command": ("a", "b c")}, [("command", "", '["a", "b c"]')]),
        ({"entrypoint": ("sh",)}, [("entrypoint", "", '["sh"]')]),
        (
            {"environment": (("A", "1"), ("B", ""))},
            [("environment", "A", "1"), ("environment", "B", "")],
        ),
        ({"environment": (("A", None),)}, [("unset", "A", "")]),
        (
            {"labels": (("a", "1"), ("com.docker.stack.image", "x"), ("dtdeploy.run", "r"))},
            [("label", "a", "1")],
        ),
        (
            {"container_labels": (("a", "1"), ("com.docker.stack.namespace", "x"))},
            [("container label", "a", "1")],
        ),
        ({"networks": (Attachment(network="n"),)}, [("network", "n", "")]),
        (
            {
                "networks": (
                    Attachment(network="n", aliases=("b", "a", "a"), driver_options=(("k", "v"),)),
                )
            },
            [("network", "n", "as a b"), ("network option", "n k", "v")],
        ),
        (
            {
                "ports": (
                    Port(target=80, published=8080),
                    Port(target=80, published=81, mode="host"),
                )
            },
            [("port", "80/tcp", "published as 8080 (ingress), 81 (host)")],
        ),
        (
            {"ports": (Port(target=53, protocol="udp"),)},
            [("port", "53/udp", "published as any (ingress)")],
        ),
        (
            {"constraints": ("node.role==worker", " node.labels.a  != b")},
            [
                ("placement constraint", "node.labels.a != b", ""),
                ("placement constraint", "node.role == worker", ""),
            ],
        ),
        (
            {"preferences": ("node.labels.a",)},
            [("placement preference", "", "spread node.labels.a")],
        ),
        ({"max_replicas": 2}, [("replicas per node", "", "at most 2")]),
        ({"endpoint_mode": "dnsrr"}, [("endpoint mode", "", "dnsrr")]),
        (
            {"limits": Resources(nano_cpus=500_000_000, memory_bytes=64 << 20, pids=9)},
            [("limit", "cpus", "0.5"), ("limit", "memory", "64 MiB"), ("limit", "pids", "9")],
        ),
        (
            {"reservations": Resources(memory_bytes=1000, generic=(("gpu", "2"),))},
            [("reservation", "gpu", "2"), ("reservation", "memory", "1000 bytes")],
        ),
        (
            {"restart": RestartPolicy(condition="none", delay=0, attempts=3, window=60 * SECOND)},
            [
                ("restart", "attempts", "3"),
                ("restart", "condition", "none"),
                ("restart", "delay", "0 s"),
                ("restart", "window", "60 s"),
            ],
        ),
        ({"restart": RestartPolicy(), "update": UpdatePolicy(), "rollback": UpdatePolicy()}, []),
        (
            {"update": UpdatePolicy(parallelism=0, order="start-first", ratio=0.25)},
            [
                ("update", "failure ratio", "0.25"),
                ("update", "order", "start-first"),
                ("update", "parallelism", "0"),
            ],
        ),
        (
            {
                "rollback": UpdatePolicy(
                    delay=1_500_000_000, failure_action="continue", monitor=SECOND
                )
            },
            [
                ("rollback", "delay", "1.5 s"),
                ("rollback", "failure action", "continue"),
                ("rollback", "monitor", "1 s"),
            ],
        ),
        (
            {"secrets": (FileUse(name="s_key", target="key"),)},
            [("secret", "s_key at key", "owner 0:0, mode 0444")],
        ),
        (
            {
                "configs": (
                    FileUse(name="c", target="/c", uid="1", gid="2", mode=0o400),
                    FileUse(name="d", target=""),
                )
            },
            [
                ("config", "c at /c", "owner 1:2, mode 0400"),
                ("config", "d for the runtime", ""),
            ],
        ),
        ({"health": HealthCheck(test=("NONE",))}, [("health check", "", "none")]),
        ({"health": HealthCheck(test=("CMD", "x"))}, [("health check", "", '["CMD", "x"]')]),
        (
            {"health": HealthCheck(test=("CMD", "x"), interval=SECOND, retries=3)},
            [
                ("health", "interval", "1 s"),
                ("health", "retries", "3"),
                ("health check", "", '["CMD", "x"]'),
            ],
        ),
        (
            {"hostname": "h", "user": "u", "groups": ("g", "h"), "directory": "/d"},
            [
                ("groups", "", "g h"),
                ("hostname", "", "h"),
                ("user", "", "u"),
                ("working directory", "", "/d"),
            ],
        ),
        (
            {"stop_signal": "INT", "grace": 90 * SECOND, "init": True},
            [
                ("init", "", "yes"),
                ("stop grace period", "", "90 s"),
                ("stop signal", "", "INT"),
            ],
        ),
        (
            {"init": False, "tty": True, "stdin": True, "read_only": True},
            [
                ("init", "", "no"),
                ("root filesystem", "", "read-only"),
                ("stdin", "", "open"),
                ("tty", "", "yes"),
            ],
        ),
        (
            {
                "dns": ("1.1.1.1",),
                "dns_search": ("a",),
                "dns_options": ("b", "c"),
                "oom_score_adj": -5,
            },
            [
                ("dns", "", "1.1.1.1"),
                ("dns options", "", "b c"),
                ("dns search", "", "a"),
                ("oom score", "", "-5"),
            ],
        ),
        (
            {"hosts": ("1.2.3.4 a",), "cap_add": ("CAP_A",), "cap_drop": ("ALL",)},
            [
                ("capability", "CAP_A", ""),
                ("dropped capability", "ALL", ""),
                ("extra host", "1.2.3.4 a", ""),
            ],
        ),
        (
            {"sysctls": (("a.b", "1"),), "ulimits": (("core", 1, 1), ("nofile", 1, 2))},
            [
                ("sysctl", "a.b", "1"),
                ("ulimit", "core", "1"),
                ("ulimit", "nofile", "1 to 2"),
            ],
        ),
        (
            {"log_driver": "syslog", "log_options": (("tag", "x"),)},
            [
                ("log driver", "", "syslog"),
                ("log option", "tag", "x"),
            ],
        ),
        (
            {"isolation": "process", "credential_spec": ("file", "a.json")},
            [
                ("credential spec", "", "file a.json"),
                ("isolation", "", "process"),
            ],
        ),
    ],
)
def test_what_is_said_is_a_fact(
    said: dict[str, object], expected: list[tuple[str, str, str]]
) -> None:
    assert told(**said) == expected


@pytest.mark.parametrize(
    ("mount", "words"),
    [
        (Mount(kind="volume", source="v", target="/a"), "volume v"),
        (Mount(kind="volume", target="/a"), "volume without a name"),
        (Mount(kind="bind", source="/etc", target="/a", read_only=True), "bind /etc, read-only"),
        (Mount(kind="bind", source="/e", target="/a", propagation="rslave"), "bind /e, rslave"),
        (
            Mount(kind="tmpfs", target="/a", size_bytes=2 << 30, mode=0o700),
            "tmpfs, size 2 GiB, mode 0700",
        ),
        (
            Mount(kind="volume", source="v", target="/a", no_copy=True, driver="nfs"),
            "volume v, nocopy, driver nfs",
        ),
    ],
)
def test_a_mount_is_told_in_words(mount: Mount, words: str) -> None:
    assert told(mounts=(mount,)) == [("mount", "/a", words)]


def test_options_and_labels_of_a_volume_are_facts_of_their_own() -> None:
    mount = Mount(
        kind="volume",
        source="v",
        target="/a",
        driver_options=(("o", "password=x"),),
        labels=(("l", "1"), ("com.docker.stack.namespace", "s")),
    )
    assert told(mounts=(mount,)) == [
        ("mount", "/a", "volume v"),
        ("mount label", "/a l", "1"),
        ("mount option", "/a o", "password=x"),
    ]
