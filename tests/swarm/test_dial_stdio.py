"""What paramiko says of a connection that ended, in words that HTTP libraries understand."""

from typing import cast

import paramiko
import pytest

from orchestrator.swarm.connection import SshConnection
from orchestrator.swarm.dial_stdio import DialStdio


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
