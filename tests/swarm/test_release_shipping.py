import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.procedures.effects import Result
from orchestrator.sources.model import ReleaseFile
from orchestrator.swarm.connection import SshConnection
from orchestrator.swarm.release_shipping import archive, script, ship
from tests.swarm.releases import release
from tests.swarm.sshd import SITE, Server


def folder(server: Server, name: str = "datatrail-abc-1") -> Path:
    return server.home / ".dtdeploy/releases" / name


def files(at: Path) -> dict[str, bytes]:
    return {str(p.relative_to(at)): p.read_bytes() for p in at.rglob("*") if p.is_file()}


def left_overs(server: Server) -> list[str]:
    return [path.name for path in (server.home / ".dtdeploy").glob("incoming.*")]


def test_arrives_as_it_was_sent(connection: SshConnection, server: Server) -> None:
    sent = release()
    told = ship(SITE, connection, sent)
    assert (told.result, told.words) == (Result.OK, "shipped")
    assert files(folder(server)) == {file.path: file.content for file in sent.files}
    assert (folder(server) / "stacks/run.sh").stat().st_mode & stat.S_IXUSR
    assert not (folder(server) / sent.compose).stat().st_mode & stat.S_IXUSR
    assert (server.home / ".dtdeploy").stat().st_mode & 0o077 == 0
    assert left_overs(server) == []


def test_a_present_one_is_checked_and_left(connection: SshConnection, server: Server) -> None:
    ship(SITE, connection, release())
    before = folder(server).stat().st_ino
    assert ship(SITE, connection, release()).words == "present"
    assert folder(server).stat().st_ino == before


@pytest.mark.parametrize("damage", ["changed", "missing", "added"])
def test_a_present_one_that_was_damaged_is_replaced(
    connection: SshConnection, server: Server, damage: str
) -> None:
    ship(SITE, connection, release())
    compose = folder(server) / release().compose
    match damage:
        case "changed":
            compose.write_bytes(b"other")
        case "missing":
            compose.unlink()
        case _:
            (folder(server) / "stacks/extra").write_bytes(b"")
    assert ship(SITE, connection, release()).words == "replaced"
    assert files(folder(server)) == {file.path: file.content for file in release().files}


def test_the_last_five_of_a_stack_stay_and_others_are_not_touched(
    connection: SshConnection, server: Server
) -> None:
    ship(SITE, connection, release("client-1", stack="datatrail-client"))
    for number in range(7):
        ship(SITE, connection, release(f"datatrail-{number}"))
        marker = server.home / ".dtdeploy/stacks/datatrail" / f"datatrail-{number}"
        os.utime(marker, (number, number))
    names = sorted(path.name for path in (server.home / ".dtdeploy/releases").iterdir())
    assert names == ["client-1", *(f"datatrail-{number}" for number in range(2, 7))]


def test_one_shipped_again_is_among_the_last(connection: SshConnection, server: Server) -> None:
    for number in range(5):
        ship(SITE, connection, release(f"datatrail-{number}"))
        marker = server.home / ".dtdeploy/stacks/datatrail" / f"datatrail-{number}"
        os.utime(marker, (number, number))
    ship(SITE, connection, release("datatrail-0"))
    ship(SITE, connection, release("datatrail-5"))
    assert folder(server, "datatrail-0").exists()
    assert not folder(server, "datatrail-1").exists()


@pytest.mark.parametrize("cut", [0, 1, 300, 700, 1600, 2200])
def test_a_stream_that_ends_early_leaves_nothing(
    connection: SshConnection, server: Server, cut: int
) -> None:
    tar, digest = archive(release())
    result = connection.run_script(script(release(), digest), stdin=tar[:cut], deadline_seconds=10)
    assert result.rc != 0
    assert not folder(server).exists()
    assert left_overs(server) == []


def test_bytes_that_changed_on_the_way_are_refused(
    connection: SshConnection, server: Server
) -> None:
    tar, digest = archive(release())
    result = connection.run_script(
        script(release(), digest), stdin=tar.replace(b"hello", b"jello"), deadline_seconds=10
    )
    assert "what arrived is not what was sent" in result.words
    assert not folder(server).exists()


def test_a_full_disk_is_told_in_its_own_words(connection: SshConnection, server: Server) -> None:
    # A file size limit meets tar as a full disk would; the lab has the real thing.
    (server.home / ".dtdeploy").write_bytes(b"a file where a folder should be")
    told = ship(SITE, connection, release())
    assert told.result is Result.FAILED
    assert told.problem is not None
    assert told.problem.code == "release.not-shipped"
    assert "File exists" in told.words or "Not a directory" in told.words


def test_busybox_will_do(connection: SshConnection, server: Server) -> None:
    busybox = shutil.which("busybox")
    assert busybox, "this test needs busybox (Debian: busybox)"
    applets = "sh tar sha256sum mktemp find mv sync ls tail touch mkdir rm cat wc dd timeout"
    for applet in applets.split():
        (server.bin / applet).symlink_to(busybox)
    try:
        assert ship(SITE, connection, release()).words == "shipped"
        assert ship(SITE, connection, release()).words == "present"
    finally:
        for applet in applets.split():
            (server.bin / applet).unlink()
    assert files(folder(server)) == {file.path: file.content for file in release().files}


@pytest.mark.parametrize("path", ["../out", "/etc/x", "a\nb", "a\\b", "a/../../b"])
def test_paths_that_lead_astray_are_not_sent(connection: SshConnection, path: str) -> None:
    bad = replace(release(), files=(ReleaseFile(path=path, content=b""),))
    told = ship(SITE, connection, bad)
    assert told.result is Result.FAILED
    assert repr(path) in told.words


def test_what_ran_before_stays_however_many_came_since(
    connection: SshConnection, server: Server
) -> None:
    for name in ("former", *(f"r{n}" for n in range(4))):
        ship(SITE, connection, release(name))
    for n in range(4, 9):
        ship(SITE, connection, release(f"r{n}"), former="former")
    ship(SITE, connection, release("r9"), former="never-there")
    there = {path.name for path in (server.home / ".dtdeploy/releases").iterdir()}
    assert there == {"former", "r6", "r7", "r8", "r9"}


class TestSecrets:
    """Releases of `datatrail`, shipped one after the other as preparing does."""

    @staticmethod
    def prepare(connection: SshConnection, name: str, former: str, *, secrets: bool = True) -> None:
        sent = replace(release(name, stacks__passwd=b"hunter2"), holds_secrets=secrets)
        assert ship(SITE, connection, sent, former=former).result is Result.OK

    @staticmethod
    def there(server: Server) -> set[str]:
        return {path.name for path in (server.home / ".dtdeploy/releases").iterdir()}

    def test_stay_for_what_is_deployed_and_for_the_way_back_and_no_longer(
        self, connection: SshConnection, server: Server
    ) -> None:
        ship(SITE, connection, release("client-1", stack="datatrail-client"))
        self.prepare(connection, "plain", "", secrets=False)
        self.prepare(connection, "r1", "plain")
        self.prepare(connection, "r2", "r1")
        assert self.there(server) == {"client-1", "plain", "r1", "r2"}
        self.prepare(connection, "r3", "r2")
        assert self.there(server) == {"client-1", "plain", "r2", "r3"}
        # The way back from r3, and a run after it that holds no secret any more.
        self.prepare(connection, "r2", "r3")
        assert self.there(server) == {"client-1", "plain", "r2", "r3"}
        self.prepare(connection, "r4", "r2", secrets=False)
        assert self.there(server) == {"client-1", "plain", "r2", "r4"}
        markers = server.home / ".dtdeploy/stacks/datatrail"
        assert {path.name for path in markers.iterdir()} == {"plain", "r2", "r4"}

    def test_are_left_where_nobody_knows_what_ran_before(
        self, connection: SshConnection, server: Server
    ) -> None:
        self.prepare(connection, "r1", "")
        self.prepare(connection, "r2", "r1")
        # Shipped anew right before a deploy, or a spare copy: that says nothing of ways back.
        self.prepare(connection, "r2", "")
        assert self.there(server) == {"r1", "r2"}

    def test_are_for_no_other_user_of_the_manager(
        self, connection: SshConnection, server: Server
    ) -> None:
        self.prepare(connection, "r1", "")
        for path in (
            server.home / ".dtdeploy",
            server.home / ".dtdeploy/releases",
            folder(server, "r1"),
        ):
            assert path.stat().st_mode & 0o077 == 0, path
