import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest

from orchestrator.errors import ExitCode, FleetError, Problem
from orchestrator.inventory.model import Manager
from orchestrator.swarm.handshake import open_hops
from orchestrator.swarm.login import disabled
from orchestrator.swarm.ssh_config import Target, resolve
from tests.swarm.proxy import mute
from tests.swarm.sshd import SITE, Operator, Server, free_port, make_key, public, running


def refused(operator: Operator, port: int, config: str = "") -> Problem:
    with pytest.raises(FleetError) as caught:
        open_hops(SITE, operator.target(port, config))
    assert caught.value.problems[0].where.site == SITE
    return caught.value.problems[0]


class TestTrust:
    def test_an_unknown_host_is_refused_with_the_way_to_verify_it(
        self, operator: Operator, server: Server
    ) -> None:
        operator.known_hosts.unlink()
        problem = refused(operator, server.port)
        assert (problem.code, problem.exit_code) == ("ssh.host-key-unknown", 12)
        assert f"ssh-keyscan -p {server.port} -t ed25519 127.0.0.1" in problem.fix
        assert "SHA256:" in problem.evidence[0]

    def test_a_changed_key_is_refused_and_both_are_shown(
        self, tmp_path: Path, operator: Operator, server: Server
    ) -> None:
        other = make_key(tmp_path / "other")
        operator.known_hosts.write_text(f"[127.0.0.1]:{server.port} {public(other)}")
        problem = refused(operator, server.port)
        assert (problem.code, problem.exit_code) == ("ssh.host-key-changed", 12)
        assert len(problem.evidence) == 2
        assert f"ssh-keygen -R '[127.0.0.1]:{server.port}' -f" in problem.fix

    def test_a_revoked_key_is_refused_though_it_is_known_as_well(
        self, operator: Operator, server: Server
    ) -> None:
        operator.trust(f"@revoked {server.known_line}")
        assert refused(operator, server.port).code == "ssh.host-key-revoked"

    def test_a_key_known_under_its_alias_is_accepted(
        self, operator: Operator, server: Server
    ) -> None:
        operator.known_hosts.write_text(f"the-manager {public(server.host_key)}")
        target = operator.target(server.port, "Host *\n HostKeyAlias the-manager\n")
        with operator.connected(target) as connection:
            assert connection.run(["true"], deadline_seconds=5).rc == 0


class TestLogin:
    def test_a_key_that_is_not_authorized(
        self, tmp_path: Path, operator: Operator, server: Server
    ) -> None:
        stranger = replace(operator, key=make_key(tmp_path / "stranger"))
        problem = refused(stranger, server.port)
        assert (problem.code, problem.exit_code) == ("ssh.login-refused", 13)
        assert any("SHA256:" in words for words in problem.evidence)

    def test_a_key_with_a_passphrase_names_the_way_out(
        self, tmp_path: Path, operator: Operator, server: Server
    ) -> None:
        locked = make_key(tmp_path / "locked", passphrase="planted")
        problem = refused(replace(operator, key=locked), server.port)
        assert problem.exit_code == ExitCode.LOGIN_REFUSED
        assert any(f"ssh-add {locked}" in words for words in problem.evidence)

    def test_no_key_at_all(self, tmp_path: Path, operator: Operator, server: Server) -> None:
        problem = refused(replace(operator, key=tmp_path / "none"), server.port)
        assert "no usable key was found" in problem.evidence

    def test_the_agent_is_asked(
        self, tmp_path: Path, operator: Operator, server: Server, key: Path
    ) -> None:
        with _agent(tmp_path, key) as agent:
            config = f"Host *\n IdentityAgent {agent}\n IdentityFile {tmp_path}/none\n"
            with operator.connected(operator.target(server.port, config)) as connection:
                assert connection.run(["true"], deadline_seconds=5).rc == 0

    def test_an_agent_that_is_gone_is_mentioned(
        self, tmp_path: Path, operator: Operator, server: Server
    ) -> None:
        config = f"Host *\n IdentityAgent {tmp_path}/gone\n IdentityFile {tmp_path}/none\n"
        problem = refused(operator, server.port, config)
        assert any("agent does not answer" in words for words in problem.evidence)


@contextmanager
def _agent(folder: Path, key: Path) -> Iterator[Path]:
    sock = folder / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(sock)], stdout=subprocess.DEVNULL)
    try:
        ends = time.monotonic() + 10
        while not sock.exists() and time.monotonic() < ends:
            time.sleep(0.01)
        environment = {"SSH_AUTH_SOCK": str(sock), "PATH": "/usr/bin:/bin"}
        subprocess.run(
            ["ssh-add", "-q", str(key)], check=True, env=environment, stderr=subprocess.DEVNULL
        )
        yield sock
    finally:
        process.terminate()
        process.wait()


class TestReach:
    def test_nobody_listens(self, operator: Operator) -> None:
        problem = refused(operator, free_port())
        assert (problem.code, problem.exit_code) == ("site.unreachable", 11)
        assert "refuses the connection" in problem.what

    def test_a_name_that_nobody_knows(self, operator: Operator) -> None:
        problem = refused(operator, 22, "Host *\n HostName no-such-host.invalid\n")
        assert problem.code == "site.unreachable"
        assert "no-such-host.invalid cannot be resolved" in problem.what

    def test_a_server_that_never_speaks_is_given_up_in_time(self, operator: Operator) -> None:
        began = time.monotonic()
        with mute() as port:
            problem = refused(replace(operator, timeout=1.0), port)
        assert problem.code == "site.unreachable"
        assert "does not answer within 1 s" in problem.what
        assert time.monotonic() - began < 8

    def test_a_server_that_speaks_something_else(self, operator: Operator) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=_speak, args=(listener,), daemon=True).start()
            problem = refused(replace(operator, timeout=1.0), listener.getsockname()[1])
        assert problem.code == "site.unreachable"

    def test_a_proxy_command_is_used(self, operator: Operator, server: Server) -> None:
        relay = f"/bin/nc 127.0.0.1 {server.port}"
        if not Path("/bin/nc").exists():
            relay = f"/usr/bin/ssh -F none -o UserKnownHostsFile={operator.known_hosts} "
            relay += f"-i {operator.key} -p {server.port} -W 127.0.0.1:{server.port} 127.0.0.1"
        target = operator.target(server.port, f"Host *\n ProxyCommand {relay}\n")
        assert target.proxy_command == relay
        with operator.connected(target) as connection:
            assert connection.run(["true"], deadline_seconds=5).rc == 0


def _speak(listener: socket.socket) -> None:
    client, _ = listener.accept()
    client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    client.close()


class TestJump:
    def test_goes_through_a_chain_of_jump_hosts(
        self, tmp_path: Path, operator: Operator, server: Server, key: Path
    ) -> None:
        with running(tmp_path / "one", key) as one, running(tmp_path / "two", key) as two:
            for jump in (one, two):
                operator.trust(jump.known_line)
            chain = f"127.0.0.1:{one.port},127.0.0.1:{two.port}"
            target = operator.target(server.port)
            target = replace(target, jumps=_jumps(operator, chain))
            with operator.connected(target) as connection:
                assert connection.run(["echo", "there"], deadline_seconds=5).stdout == b"there\n"

    def test_a_failure_at_a_jump_host_names_it(self, operator: Operator, server: Server) -> None:
        dead = free_port()
        target = operator.target(server.port)
        target = replace(target, jumps=_jumps(operator, f"127.0.0.1:{dead}"))
        with pytest.raises(FleetError) as caught:
            open_hops(SITE, target)
        assert caught.value.problems[0].what.startswith("jump host 127.0.0.1:")

    def test_a_manager_that_the_jump_host_cannot_reach(
        self, operator: Operator, server: Server
    ) -> None:
        target = operator.target(free_port())
        target = replace(target, jumps=_jumps(operator, f"127.0.0.1:{server.port}"))
        with pytest.raises(FleetError) as caught:
            open_hops(SITE, target)
        problem = caught.value.problems[0]
        assert "cannot be reached from the jump host" in problem.what
        assert "Connection refused" in problem.evidence


def _jumps(operator: Operator, chain: str) -> tuple[Target, ...]:
    text = f"Host manager\n HostName 127.0.0.1\n ProxyJump {chain}\n"
    return resolve(SITE, operator.program(text), Manager(host="manager"), operator.defaults()).jumps


class TestAlgorithms:
    @pytest.mark.parametrize(
        ("line", "asked"),
        [
            ("Ciphers aes256-ctr", lambda t: t.remote_cipher),
            ("MACs hmac-sha2-512", lambda t: t.remote_mac),
            ("HostKeyAlgorithms ssh-ed25519", lambda t: t.host_key_type),
        ],
    )
    def test_what_the_configuration_allows_is_used_and_nothing_else(
        self,
        operator: Operator,
        server: Server,
        line: str,
        asked: Callable[[paramiko.Transport], str],
    ) -> None:
        config = f"Host *\n {line}\n Ciphers aes192-ctr\n"
        hops = open_hops(SITE, operator.target(server.port, config))
        used = asked(hops.transport)
        hops.close()
        assert used == line.split()[1]

    @pytest.mark.parametrize(
        "line",
        [
            "Ciphers chacha20-poly1305@openssh.com",
            "MACs umac-64@openssh.com",
            "KexAlgorithms sntrup761x25519-sha512@openssh.com",
            "HostKeyAlgorithms sk-ssh-ed25519@openssh.com",
        ],
    )
    def test_what_cannot_be_kept_to_is_refused(
        self, operator: Operator, server: Server, line: str
    ) -> None:
        problem = refused(operator, server.port, f"Host *\n {line}\n")
        assert problem.code == "ssh.config-invalid"
        (words,) = problem.evidence
        assert words.lower().startswith(f"{line.lower()}: none of these is known here")

    def test_a_key_whose_type_is_left_out_is_not_offered(
        self, operator: Operator, server: Server
    ) -> None:
        config = "Host *\n PubkeyAcceptedAlgorithms rsa-sha2-512\n"
        problem = refused(operator, server.port, config)
        assert problem.code == "ssh.login-refused"
        assert any("PubkeyAcceptedAlgorithms" in words for words in problem.evidence)
        mine = "Host *\n PubkeyAcceptedAlgorithms ssh-ed25519\n"
        with operator.connected(operator.target(server.port, mine)) as connection:
            assert connection.run(["true"], deadline_seconds=5).rc == 0

    @pytest.mark.parametrize("signature", ["rsa-sha2-256", "rsa-sha2-512"])
    def test_an_rsa_key_signs_as_it_may(self, operator: Operator, signature: str) -> None:
        config = f"Host *\n PubkeyAcceptedAlgorithms {signature}\n"
        (left_out,) = disabled(operator.target(22, config))["pubkeys"]
        assert {left_out, signature} == {"rsa-sha2-256", "rsa-sha2-512"}


class TestRsaKeys:
    """`make_key` makes ed25519 keys, so RSA keys of 2048 bits are made here."""

    @staticmethod
    def rsa(path: Path) -> Path:
        make = ["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", str(path)]
        subprocess.run(make, check=True)
        return path

    def test_one_that_is_smaller_than_allowed_is_not_offered(
        self, tmp_path: Path, operator: Operator, server: Server
    ) -> None:
        key = self.rsa(tmp_path / "small")
        problem = refused(
            replace(operator, key=key), server.port, "Host *\n RequiredRSASize 3072\n"
        )
        assert problem.code == "ssh.login-refused"
        assert any("by RequiredRSASize 3072" in words for words in problem.evidence)

    def test_a_server_that_shows_a_smaller_one_is_left(
        self, tmp_path: Path, operator: Operator
    ) -> None:
        host_key = self.rsa(tmp_path / "host_rsa")
        only = (f"HostKey {host_key}", "HostKeyAlgorithms rsa-sha2-512")
        with running(tmp_path / "sshd", operator.key, *only) as server:
            operator.trust(f"[127.0.0.1]:{server.port} {public(host_key)}")
            with operator.connected(operator.target(server.port)) as connection:
                assert connection.run(["true"], deadline_seconds=5).rc == 0
            problem = refused(operator, server.port, "Host *\n RequiredRSASize 3072\n")
        assert problem.code == "ssh.config-invalid"
        assert problem.evidence[0].startswith("RequiredRSASize 3072: the server shows RSA SHA256:")


class TestAddresses:
    def test_only_those_of_the_family_that_is_allowed(
        self, operator: Operator, server: Server
    ) -> None:
        text = "Host *\n AddressFamily {}\n"
        with operator.connected(operator.target(server.port, text.format("inet"))) as connection:
            assert connection.run(["true"], deadline_seconds=5).rc == 0
        assert refused(operator, server.port, text.format("inet6")).code == "site.unreachable"

    def test_the_one_of_ours_that_is_asked_for(self, operator: Operator, server: Server) -> None:
        target = operator.target(server.port, "Host *\n BindAddress 127.0.0.9\n")
        with operator.connected(target) as connection:
            asked = ["sh", "-c", "echo $SSH_CONNECTION"]
            assert connection.run(asked, deadline_seconds=5).stdout.startswith(b"127.0.0.9 ")

    def test_a_name_that_is_none_is_said_to_be_none(
        self, operator: Operator, server: Server
    ) -> None:
        problem = refused(operator, server.port, "Host *\n HostName a..b\n")
        assert (problem.code, problem.exit_code) == ("site.unreachable", 11)
        assert "the name a..b cannot be resolved" in problem.what


def test_host_keys_are_read_from_files_with_blanks_in_their_names(
    tmp_path: Path, operator: Operator, server: Server
) -> None:
    folder = tmp_path / "my known hosts"
    folder.mkdir()
    files = [folder / "first one", folder / "second"]
    files[1].write_text(server.known_line)
    operator.known_hosts.unlink()
    quoted = " ".join(f'"{file}"' for file in files)
    target = operator.target(server.port, f"Host *\n UserKnownHostsFile {quoted}\n")
    assert list(target.known_hosts) == files
    with operator.connected(target) as connection:
        assert connection.run(["true"], deadline_seconds=5).rc == 0
