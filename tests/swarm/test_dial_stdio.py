"""What paramiko says of a connection that ended, in words that HTTP libraries understand."""

from typing import cast

import paramiko
import pytest

from orchestrator.swarm.connection import SshConnection
from orchestrator.swarm.dial_stdio import DialStdio
from orchestrator.swarm.remote_command import BEGIN


class EndedChannel:
    """A channel whose connection has ended: to write, and to close, is an EOFError."""

    def sendall(self, data: bytes) -> None:
        del data
        raise EOFError

    def close(self) -> None:
        raise EOFError


def ended() -> DialStdio:
    channel = cast("paramiko.Channel", EndedChannel())
    return DialStdio("kko", cast("SshConnection", None), channel)


def test_a_write_to_a_connection_that_ended_is_an_error_of_the_network() -> None:
    with pytest.raises(ConnectionResetError, match="ended"):
        ended().sendall(b"GET / HTTP/1.1\r\n\r\n")


def test_closing_on_a_connection_that_ended_says_nothing() -> None:
    ended().close()


class EndlessChannel:
    """A daemon that never stops."""

    def __init__(self) -> None:
        self.given = 0
        self._begun = False

    def recv(self, size: int) -> bytes:
        if not self._begun:
            self._begun = True
            return BEGIN
        size = min(size, 1 << 16)
        self.given += size
        return b"x" * size


def test_an_answer_without_an_end_is_given_up() -> None:
    channel = EndlessChannel()
    stream = DialStdio("kko", cast("SshConnection", None), cast("paramiko.Channel", channel))
    with stream.makefile() as answer, pytest.raises(OSError, match="more than 67108864 bytes"):
        answer.read(1 << 27)
    assert channel.given < 2 * 67108864
    with stream.makefile() as another:
        assert another.read(10) == b"x" * 10
