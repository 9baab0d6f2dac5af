import base64
import json

import pytest

from orchestrator.fleet.desired import TcpProbe
from orchestrator.fleet.observed import Volume
from orchestrator.procedures.effects import (
    CheckedImages,
    CheckedVolumes,
    CheckImages,
    CheckVolumes,
    Examination,
    Examine,
)
from orchestrator.swarm.examine import cli_version
from orchestrator.swarm.performer import LivePerformer
from tests.swarm.daemon import Command, Daemon, captured, error
from tests.swarm.sshd import SITE, Server

IMAGE = "reg.lab:5000/app:1"
PLATFORMS = [{"architecture": "amd64", "os": "linux"}, {"architecture": "arm", "os": "linux"}]
FOUND = json.dumps({"Descriptor": {"digest": "sha256:abc"}, "Platforms": PLATFORMS}).encode()


def examined(performer: LivePerformer, effect: Examine) -> Examination:
    answer = performer.perform(effect)
    assert isinstance(answer, Examination), answer
    return answer


@pytest.fixture(autouse=True)
def _root(daemon: Daemon) -> None:
    info = json.loads(captured("info"))
    info["DockerRootDir"] = "/"
    daemon.replies["GET /info"] = lambda: (200, json.dumps(info).encode())


@pytest.mark.usefixtures("docker")
def test_the_facts_of_a_host(performer: LivePerformer, server: Server) -> None:
    wanted = TcpProbe(name="self", host="127.0.0.1", port=server.port)
    seen = examined(performer, Examine(site=SITE, requires=(wanted,), ports=(server.port, 1)))
    assert (seen.api_version, seen.cli_version) == ("1.41", "20.10.24+dfsg1")
    assert 0 < seen.disk_free_bytes < seen.disk_total_bytes
    assert seen.listening == ((server.port, "tcp"),)
    ((probe, result),) = seen.requires
    assert (probe, result.ok) == (wanted, True)
    assert set(seen.all_networks) >= {"ingress", "job_default", "host", "bridge", "none"}
    assert "docker_gwbridge" not in seen.all_networks
    assert (seen.all_configs, seen.all_secrets) == (("job_c1",), ("job_s1",))
    assert len(seen.sight.services) == 5


@pytest.mark.usefixtures("docker")
def test_the_disk_is_told_of_a_folder_that_may_not_be_looked_into(
    daemon: Daemon, performer: LivePerformer
) -> None:
    info = json.loads(captured("info"))
    hidden = json.dumps(info | {"DockerRootDir": "/no-such-folder/of docker's"}).encode()
    daemon.replies["GET /info"] = lambda: (200, hidden)
    seen = examined(performer, Examine(site=SITE))
    assert 0 < seen.disk_free_bytes < seen.disk_total_bytes


@pytest.mark.usefixtures("docker")
def test_the_clock_is_compared_with_ours(daemon: Daemon, performer: LivePerformer) -> None:
    info = json.loads(captured("info"))
    info["SystemTime"] = "2001-02-03T04:05:06.789012345Z"
    daemon.replies["GET /info"] = lambda: (200, json.dumps(info | {"DockerRootDir": "/"}).encode())
    assert examined(performer, Examine(site=SITE)).clock_offset_seconds < -20 * 365 * 86400


@pytest.mark.usefixtures("docker")
def test_an_image_is_asked_for_with_the_login_of_the_manager(
    daemon: Daemon, performer: LivePerformer, server: Server
) -> None:
    daemon.replies[f"GET /distribution/{IMAGE}/json"] = lambda: (200, FOUND)
    auth = base64.b64encode(b"user:planted").decode()
    (server.home / ".docker").mkdir()
    config = server.home / ".docker/config.json"
    config.write_text(json.dumps({"auths": {"reg.lab:5000": {"auth": auth}}}))
    (check,) = examined(performer, Examine(site=SITE, images=(IMAGE,))).images
    config.unlink()
    config.parent.rmdir()
    assert (check.ok, check.digest) == (True, "sha256:abc")
    (header,) = daemon.logins
    assert json.loads(base64.urlsafe_b64decode(header))["password"] == "planted"


@pytest.mark.usefixtures("docker")
def test_a_credential_helper_of_the_manager_is_asked(
    daemon: Daemon, performer: LivePerformer, server: Server
) -> None:
    daemon.replies[f"GET /distribution/{IMAGE}/json"] = lambda: (200, FOUND)
    helper = server.bin / "docker-credential-test"
    helper.write_text(
        '#!/bin/sh\nread s\necho "{\\"Username\\": \\"u\\", \\"Secret\\": \\"$s\\"}"\n'
    )
    helper.chmod(0o755)
    (server.home / ".docker").mkdir()
    config = server.home / ".docker/config.json"
    config.write_text('{"credHelpers": {"reg.lab:5000": "test"}}')
    (check,) = examined(performer, Examine(site=SITE, images=(IMAGE,))).images
    for file in (config, helper):
        file.unlink()
    config.parent.rmdir()
    assert check.ok
    (header,) = daemon.logins
    assert json.loads(base64.urlsafe_b64decode(header))["password"] == "reg.lab:5000"


@pytest.mark.usefixtures("docker")
def test_images_alone_are_asked_for_in_the_order_given(
    daemon: Daemon, performer: LivePerformer
) -> None:
    daemon.replies[f"GET /distribution/{IMAGE}/json"] = lambda: (200, FOUND)
    absent = "reg.lab:5000/none:1"
    daemon.replies[f"GET /distribution/{absent}/json"] = lambda: error(404, "manifest unknown")
    answer = performer.perform(CheckImages(site=SITE, images=(absent, IMAGE)))
    assert isinstance(answer, CheckedImages), answer
    assert [(check.image, check.missing) for check in answer.images] == [
        (absent, True),
        (IMAGE, False),
    ]
    assert answer.images[1].digest == "sha256:abc"
    assert answer.images[1].platforms == ("linux/amd64", "linux/")


@pytest.mark.usefixtures("docker")
def test_volumes_are_asked_for_one_by_one(daemon: Daemon, performer: LivePerformer) -> None:
    there = {"Name": "app_data", "Driver": "local", "Options": {"o": "addr=nas", "device": ":/x"}}
    daemon.replies["GET /volumes/app_data"] = lambda: (200, json.dumps(there).encode())
    plain = {"Name": "plain", "Driver": "local", "Options": None}
    daemon.replies["GET /volumes/plain"] = lambda: (200, json.dumps(plain).encode())
    asked = CheckVolumes(site=SITE, names=("app_data", "absent", "plain"))
    answer = performer.perform(asked)
    assert isinstance(answer, CheckedVolumes), answer
    assert answer.volumes == (
        Volume(name="app_data", options=(("device", ":/x"), ("o", "addr=nas"))),
        Volume(name="plain"),
    )
    assert "addr=nas" not in repr(answer)


@pytest.mark.usefixtures("docker")
def test_without_a_login_the_registry_is_asked_without(
    daemon: Daemon, performer: LivePerformer
) -> None:
    words = 'Head "http://reg.lab:5000/v2/app/manifests/1": no basic auth credentials'
    daemon.replies[f"GET /distribution/{IMAGE}/json"] = lambda: error(500, words)
    (check,) = examined(performer, Examine(site=SITE, images=(IMAGE,))).images
    assert (check.ok, check.denied, check.words) == (False, True, words)
    assert [base64.urlsafe_b64decode(header) for header in daemon.logins] == [b"{}"]


def test_nothing_is_changed(
    daemon: Daemon, docker: Command, performer: LivePerformer, server: Server
) -> None:
    examined(performer, Examine(site=SITE, images=(IMAGE,)))
    assert all(line.startswith("GET") for line in daemon.asked)
    assert docker.runs() == []
    assert list(server.home.iterdir()) == []


@pytest.mark.parametrize(
    ("said", "version"),
    [
        (b"Docker version", ""),
        (b"Docker", ""),
        (b"", ""),
        (b"Docker version 26.1, build 1 x", "26.1"),
    ],
)
def test_the_version_of_a_docker_command_that_says_little(said: bytes, version: str) -> None:
    assert cli_version(said) == version
