"""What lies on a manager's disk may be damaged or planted; a real sshd, sh, tar and head."""

import io
import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.errors import FleetError
from orchestrator.procedures.effects import HeldRelease, ReadRelease
from orchestrator.sources.release import MAX_BYTES
from orchestrator.swarm.connection import SshConnection
from orchestrator.swarm.held_release import read, unpacked
from orchestrator.swarm.performer import LivePerformer
from orchestrator.swarm.release_shipping import ship
from tests.swarm.releases import release
from tests.swarm.sshd import SITE, Server


@pytest.fixture
def commands(server: Server) -> Iterator[Path]:
    """Give the folder of commands that the manager finds first, as it was when it is over."""
    before = set(server.bin.iterdir())
    yield server.bin
    for left in set(server.bin.iterdir()) - before:
        left.unlink()


def stub(commands: Path, name: str, behaviour: str) -> None:
    (commands / name).unlink(missing_ok=True)  # it may be a link to the system's own
    (commands / name).write_text(f"#!/bin/sh\n{behaviour}\n")
    (commands / name).chmod(0o755)


EFFECT = ReadRelease(site=SITE, name="datatrail-abc-1")


def folder(server: Server) -> Path:
    return server.home / ".dtdeploy/releases" / EFFECT.name


def test_comes_back_as_it_was_shipped(connection: SshConnection, performer: LivePerformer) -> None:
    sent = release()
    ship(SITE, connection, sent)
    files = tuple(sorted(sent.files, key=lambda file: file.path))
    assert read(connection, EFFECT) == HeldRelease(site=SITE, name=EFFECT.name, files=files)
    assert performer.perform(EFFECT) == read(connection, EFFECT)


def test_what_is_not_there_is_none(connection: SshConnection) -> None:
    assert read(connection, EFFECT) == HeldRelease(site=SITE, name=EFFECT.name, files=None)


def test_busybox_will_do(connection: SshConnection, commands: Path) -> None:
    busybox = shutil.which("busybox")
    assert busybox, "this test needs busybox (Debian: busybox)"
    sent = release()
    ship(SITE, connection, sent)
    for name in ("tar", "head"):
        (commands / name).symlink_to(busybox)
    found = read(connection, EFFECT)
    assert found.files == tuple(sorted(sent.files, key=lambda file: file.path))


def planted(server: Server, what: str) -> None:
    there = folder(server)
    there.mkdir(parents=True)
    (there / "a").write_text("a")
    if what == "link":
        (there / "b").symlink_to("/etc/passwd")
    elif what == "hard link":
        os.link(there / "a", there / "b")
    elif what == "pipe":
        os.mkfifo(there / "b")
    elif what == "holes":
        with (there / "b").open("wb") as file:
            file.truncate(MAX_BYTES + 1)
    else:
        (there / "b").write_bytes(bytes(3 * MAX_BYTES))


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("link", "'b' is no file"),
        ("hard link", "is no file"),
        ("pipe", "'b' is no file"),
        ("holes", f"its files have more than {MAX_BYTES} bytes"),
        ("more than any", f"it is larger than {2 * MAX_BYTES} bytes"),
    ],
)
def test_what_can_be_no_release_is_none_and_said(
    connection: SshConnection, server: Server, what: str, words: str
) -> None:
    planted(server, what)
    found = read(connection, EFFECT)
    assert found.files is None
    assert words in found.words


def archived(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "./../x", "a//b", ".//x"])
def test_no_path_leads_out_of_it(path: str) -> None:
    with pytest.raises(ValueError, match="leads out of it"):
        unpacked(archived((path, b"x")))


def test_no_path_is_there_twice() -> None:
    with pytest.raises(ValueError, match="twice"):
        unpacked(archived(("a", b"x"), ("./a", b"y")))


@pytest.mark.parametrize("behaviour", ["echo no archive", "head -c 700 /dev/zero | tr '\\0' x"])
def test_what_is_no_archive_is_said_to_be_none(
    connection: SshConnection, server: Server, commands: Path, behaviour: str
) -> None:
    folder(server).mkdir(parents=True)
    stub(commands, "tar", behaviour)
    found = read(connection, EFFECT)
    assert (found.files, found.words) == (None, "it cannot be read (ReadError)")


def test_a_manager_on_which_it_cannot_be_read_is_named(
    connection: SshConnection, server: Server, commands: Path
) -> None:
    folder(server).mkdir(parents=True)
    stub(commands, "head", "echo no head >&2; exit 3")
    with pytest.raises(FleetError) as failed:
        read(connection, EFFECT)
    (problem,) = failed.value.problems
    assert (problem.code, problem.where.site) == ("release.unread", SITE)
    assert problem.evidence == ("no head",)
