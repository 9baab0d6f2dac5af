"""Reading what doctor asks for, from what Docker and openssl print."""

import json
import shutil
from base64 import b64encode
from datetime import UTC, datetime

import pytest

from orchestrator.fleet.observed import TaskState
from orchestrator.procedures.inspection import SESSIONS, Inspect, Inspection
from orchestrator.swarm.ingress import Pool, pool
from orchestrator.swarm.inspection import certificate, reclaimable, starved
from orchestrator.swarm.performer import LivePerformer
from tests.build import service, sight, task
from tests.swarm.daemon import Daemon, captured, error
from tests.swarm.sshd import SITE, Server

DATES = "notBefore=Nov 22 20:04:00 2026 GMT\nnotAfter=Feb 20 21:04:00 2027 GMT\n"
DF = "Images: 1.234GB, reclaimable 512.5MB (41%)\nContainers: 0B, reclaimable 0B\n"
INGRESS = {"Id": "net1", "Ingress": True, "IPAM": {"Config": [{"Subnet": "10.0.0.0/24"}]}}


def at(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]  # year to hour


def test_the_days_of_a_certificate() -> None:
    days, life, why = certificate(DATES, at(2027, 2, 10, 21, 4))
    assert (days, round(life), why) == (10.0, 90, "")


def test_a_certificate_that_nobody_may_read_is_not_known_and_says_why() -> None:
    days, _, why = certificate("sh: openssl: not found\n", 0.0)
    assert days is None
    assert "openssl: not found" in why
    assert certificate("", 0.0)[2].endswith("openssl said nothing")


def test_reclaimable_space_is_that_of_images() -> None:
    assert reclaimable(DF) == 512_500_000
    assert reclaimable("Images: 0B, reclaimable 0B") == 0
    assert reclaimable("docker system df did not answer in 5 s") is None


def test_addresses_in_use_are_those_of_gateway_nodes_services_and_living_tasks() -> None:
    other = {"Id": "net2", "Ingress": False}
    vip = {"NetworkID": "net1", "Addr": "10.0.0.5/24"}
    services = [
        {"Endpoint": {"VirtualIPs": [vip, {"NetworkID": "net2"}]}},
        {"Endpoint": {"VirtualIPs": None}},
        {"Endpoint": None},
    ]
    attached = [{"Network": {"ID": "net1"}, "Addresses": ["10.0.0.6/24"]}]
    tasks = [
        {"Status": {"State": "running"}, "NetworksAttachments": attached},
        {"Status": {"State": "shutdown"}, "NetworksAttachments": attached},
        {"Status": {"State": "running"}, "NetworksAttachments": None},
    ]
    raw = [json.dumps(part).encode() for part in ([other, INGRESS], services, tasks)]
    assert pool(raw[0], raw[1], raw[2], nodes=2) == Pool(size=254, used=1 + 2 + 1 + 1)


def test_without_an_ingress_network_there_is_no_pool() -> None:
    assert pool(b"[]", b"[]", b"[]", nodes=1) is None
    bare = json.dumps([{"Id": "n", "Ingress": True, "IPAM": {"Config": None}}]).encode()
    assert pool(bare, b"[]", b"[]", nodes=1) is None


def test_services_whose_tasks_wait_for_an_address() -> None:
    public = service("web", published=((80, "tcp", "ingress"),))
    inner = service("db")
    seen = sight(
        services=(public, inner),
        tasks=(task("web", state=TaskState.NEW), task("db", state=TaskState.NEW)),
    )
    assert starved(seen) == (public.name,)
    assert starved(sight(services=(public,), tasks=(task("web"),))) == ()


@pytest.mark.usefixtures("docker")
def test_a_site_is_inspected_over_ssh(
    daemon: Daemon, performer: LivePerformer, server: Server
) -> None:
    info = json.loads(captured("info")) | {"DockerRootDir": "/"}
    daemon.replies["GET /info"] = lambda: (200, json.dumps(info).encode())
    stacks = server.home / ".dtdeploy" / "stacks"
    for stack, number in (("app", 2), ("old", 1)):
        (stacks / stack).mkdir(parents=True)
        for release in range(number):
            (stacks / stack / f"r{release}").touch()
    seen = performer.perform(Inspect(site=SITE))
    shutil.rmtree(stacks)
    assert isinstance(seen, Inspection), seen
    assert (seen.cli_version, seen.api_version) == ("20.10.24+dfsg1", "1.41")
    assert 0 < (seen.disk_free_bytes or 0) < seen.disk_total_bytes
    assert seen.sessions == SESSIONS
    assert seen.releases == (("app", 2), ("old", 1))
    assert seen.certificate_days is None
    assert dict(seen.unknown)["certificate"]
    assert seen.pool_size


@pytest.mark.usefixtures("docker")
def test_registries_are_asked_for_what_runs_and_a_token_that_ends_is_seen(
    daemon: Daemon, performer: LivePerformer, server: Server
) -> None:
    info = json.loads(captured("info")) | {"DockerRootDir": "/"}
    daemon.replies["GET /info"] = lambda: (200, json.dumps(info).encode())
    services = json.loads(captured("services"))[:2]
    for number, item in enumerate(services):
        item["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] = f"reg.lab:5000/app:{number}"
    daemon.replies["GET /services"] = lambda: (200, json.dumps(services).encode())
    found = json.dumps({"Descriptor": {"digest": "sha256:abc"}}).encode()
    daemon.replies["GET /distribution/reg.lab:5000/app:0/json"] = lambda: (200, found)
    daemon.replies["GET /distribution/reg.lab:5000/app:1/json"] = lambda: error(
        401, "unauthorized: the token has expired"
    )
    ends = datetime.now(UTC).timestamp() + 3600
    token = b64encode(json.dumps({"expiration": ends, "payload": "planted"}).encode()).decode()
    login = {"auth": b64encode(f"AWS:{token}".encode()).decode()}
    config = server.home / ".docker/config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"auths": {"reg.lab:5000": login, "unused.lab": login}}))
    seen = performer.perform(Inspect(site=SITE))
    config.unlink()
    config.parent.rmdir()
    assert isinstance(seen, Inspection), seen
    assert seen.unpullable == (("reg.lab:5000/app:1", "unauthorized: the token has expired"),)
    ((host, left),) = seen.logins_end
    assert host == "reg.lab:5000"
    assert 3500 < left <= 3600
    assert token not in repr(seen)
