import getpass
import random
import re
import socket
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import ExitCode, FleetError
from orchestrator.inventory.model import Manager
from orchestrator.swarm.ssh_config import SshDefaults, Target, resolve
from orchestrator.swarm.ssh_options import refused
from orchestrator.swarm.ssh_program import SshProgram

HOME = Path("/home/op")
ME = getpass.getuser()
DEFAULTS = SshDefaults(
    home=HOME,
    user_known_hosts=(HOME / ".ssh/known_hosts",),
    global_known_hosts=(Path("/etc/ssh/ssh_known_hosts"),),
    identity_files=(HOME / ".ssh/id_ed25519",),
    agent_socket="/run/agent",
    environment={"KEYS": "/kk"},
)


Resolve = Callable[..., Target]


@pytest.fixture
def target(tmp_path: Path) -> Resolve:
    """Resolve a configuration; it is ssh that reads it."""

    def resolved(text: str, *, host: str = "aux.kko", user: str = "", port: int = 0) -> Target:
        config = tmp_path / "config"
        config.write_text(text)
        manager = Manager(host=host, user=user, port=port)
        return resolve("kko", SshProgram(config), manager, DEFAULTS)

    return resolved


def test_nothing_said_anywhere_means_the_defaults(target: Resolve) -> None:
    found = target("")
    assert "aes128-ctr" in found.allowed("ciphers")
    assert replace(found, algorithms=()) == Target(
        name="aux.kko",
        host="aux.kko",
        port=22,
        user=ME,
        host_key_names=("aux.kko",),
        known_hosts=(HOME / ".ssh/known_hosts", Path("/etc/ssh/ssh_known_hosts")),
        identity_files=(HOME / ".ssh/id_ed25519",),
        agent_socket="/run/agent",
        least_rsa_bits=1024,
    )


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ("Host aux.*\n HostName 10.0.0.7\n", "host", "10.0.0.7"),
        ("Host aux.*\n HostName %h.example.org\n", "host", "aux.kko.example.org"),
        ("Host aux.kko\n User frb\nHost *\n User other\n", "user", "frb"),
        ("Host !aux.kko *\n User other\n", "user", ME),
        ("Match host aux.*\n User frb\n", "user", "frb"),
        ("Port 2222\n", "port", 2222),
        ("port=2222\n", "port", 2222),
        ("Host *\n Port 2222\n", "host_key_names", ("[aux.kko]:2222", "aux.kko")),
        ("HostKeyAlias kko\nPort 2222\n", "host_key_names", ("kko",)),
        ("HostName 10.0.0.7\n", "host_key_names", ("10.0.0.7",)),
        ("IdentitiesOnly yes\n", "identities_only", True),
        (
            "IdentityFile /k/a\nIdentityFile /k/%h-%r\n",
            "identity_files",
            (Path("/k/a"), Path(f"/k/aux.kko-{ME}")),
        ),
        ("IdentityFile none\n", "identity_files", ()),
        ("IdentityAgent none\n", "agent_socket", ""),
        ("IdentityAgent SSH_AUTH_SOCK\n", "agent_socket", "/run/agent"),
        ("ConnectTimeout 3\n", "connect_timeout_seconds", 3.0),
        ("ConnectTimeout 1m\n", "connect_timeout_seconds", 60.0),
        ("Port 2201 # x\n", "port", 2201),
        ("HostName Kko.Example.ORG\n", "host", "kko.example.org"),
        ("CanonicalizeHostname yes\n", "host", "aux.kko"),
        ("IdentityFile %d/y\n", "identity_files", (HOME / "y",)),
        ("IdentityFile ${KEYS}/k\n", "identity_files", (Path("/kk/k"),)),
        ("IdentityFile ~/.ssh/k%%\n", "identity_files", (HOME / ".ssh/k%",)),
        ("Match exec false\n User no\nMatch exec true\n User yes\n", "user", "yes"),
        ("ProxyCommand nc a\nProxyJump gate\n", "proxy_command", "nc a"),
        ("ConnectTimeout none\n", "connect_timeout_seconds", 10.0),
        ("ConnectTimeout 0\n", "connect_timeout_seconds", 10.0),
        ("AddressFamily inet6\n", "family", socket.AF_INET6),
        ("BindAddress 127.0.0.1\n", "bind_address", "127.0.0.1"),
        ("RequiredRSASize 4096\n", "least_rsa_bits", 4096),
        ("HostName a..b\n", "host", "a..b"),
        ("ProxyCommand nc -X 5 %h %p\n", "proxy_command", "nc -X 5 aux.kko 22"),
        ("ProxyCommand none\n", "proxy_command", ""),
        ("ProxyJump none\n", "jumps", ()),
        (
            "UserKnownHostsFile /a /b-%h\n",
            "known_hosts",
            (Path("/a"), Path("/b-aux.kko"), Path("/etc/ssh/ssh_known_hosts")),
        ),
        (
            "UserKnownHostsFile none\nGlobalKnownHostsFile /g\n",
            "known_hosts",
            (Path("/g"),),
        ),
    ],
)
def test_reads(target: Resolve, text: str, field: str, expected: object) -> None:
    assert getattr(target(text), field) == expected


def test_the_inventory_wins_over_the_configuration(target: Resolve) -> None:
    found = target("User other\nPort 2222\n", user="frb", port=2200)
    assert (found.user, found.port) == ("frb", 2200)
    assert found.host_key_names == ("[aux.kko]:2200", "aux.kko")


def test_a_port_from_the_inventory_leaves_the_alias_alone(target: Resolve) -> None:
    assert target("HostKeyAlias kko\n", port=2200).host_key_names == ("kko",)


class TestJumps:
    def test_a_chain_in_its_order_with_users_ports_and_own_settings(self, target: Resolve) -> None:
        text = """
        Host aux.kko
            ProxyJump gate,admin@inner:2222
        Host gate
            HostName gate.example.org
            User jumper
        Host inner
            IdentityFile /k/inner
        """
        first, second = target(text).jumps
        assert (first.host, first.user, first.port) == ("gate.example.org", "jumper", 22)
        assert (second.host, second.user, second.port) == ("inner", "admin", 2222)
        assert second.identity_files == (Path("/k/inner"),)
        assert (first.jumps, second.jumps) == ((), ())

    def test_the_first_hop_brings_its_own_hops_along(self, target: Resolve) -> None:
        text = "Host aux.kko\n ProxyJump b\nHost b\n ProxyJump a\n"
        assert [hop.name for hop in target(text).jumps] == ["a", "b"]

    def test_wins_over_a_later_proxy_command(self, target: Resolve) -> None:
        found = target("Host aux.kko\n ProxyJump gate\n ProxyCommand nc %h %p\n")
        assert (found.proxy_command, len(found.jumps)) == ("", 1)

    def test_takes_the_form_of_an_address(self, target: Resolve) -> None:
        (hop,) = target("Host aux.kko\n ProxyJump me@[::1]:99\n").jumps
        assert (hop.host, hop.user, hop.port) == ("::1", "me", 99)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Host aux.kko\n ProxyJump b\nHost b\n ProxyJump aux.kko\n", "aux.kko -> b -> aux.kko"),
        ("Port many\n", "many"),
        ("Match\n", 'no argument after keyword "match"'),
        ("Match nonsense x\n User a\n", "nonsense"),
        ("RevokedHostKeys /r\n", "RevokedHostKeys /r: RevokedHostKeys is not read here"),
        ("RevokedHostKeys /r\n", "for aux.kko; mark them @revoked in known_hosts"),
        ("KnownHostsCommand /bin/k\n", "write what it says into known_hosts"),
        ("CheckHostIP yes\n", "CheckHostIP yes: CheckHostIP is not read here; leave it out"),
        ("PubkeyAuthentication no\n", "PubkeyAuthentication false"),
        ("PreferredAuthentications password\n", "PreferredAuthentications password"),
        ("BindInterface lo\n", "BindInterface lo"),
        ("ProxyUseFdpass yes\nProxyCommand x\n", "ProxyUseFdpass yes"),
        ("ConnectTimeout nan\n", "invalid time value"),
        ("Ciphers nonsense\n", "Bad SSH2 cipher spec"),
        ("RequiredRSASize many\n", "integer value invalid"),
        ("IdentityFile /k/%C\n", "the token %C"),
        ("ConnectTimeout soon\n", "invalid time value"),
        ("Host aux.kko\n ProxyJump @\n", 'Invalid ProxyJump "@"'),
    ],
)
def test_what_cannot_be_used_is_a_problem_that_says_why(
    target: Resolve, text: str, words: str
) -> None:
    with pytest.raises(FleetError) as caught:
        target(text)
    (problem,) = caught.value.problems
    assert (problem.code, problem.exit_code) == ("ssh.config-invalid", ExitCode.SITE_UNREACHABLE)
    assert words in problem.evidence[0]


@pytest.mark.parametrize(
    "line",
    [
        "StrictHostKeyChecking no",
        "VerifyHostKeyDNS yes",
        "UpdateHostKeys yes",
        "NoHostAuthenticationForLocalhost yes",
        "CheckHostIP no",
        "KnownHostsCommand none",
        "PubkeyAuthentication unbound",
        "PreferredAuthentications publickey,password",
        "CASignatureAlgorithms ssh-ed25519",
        "IgnoreUnknown UseKeychain\nUseKeychain yes",
        "RekeyLimit 1G 1h\nServerAliveInterval 15\nCompression yes\nControlMaster auto",
        "SendEnv LANG LC_*\nHashKnownHosts yes\nGSSAPIAuthentication yes",
    ],
)
def test_what_restricts_nothing_here_changes_nothing(target: Resolve, line: str) -> None:
    assert target(f"{line}\n") == target("")


def test_an_option_of_a_version_to_come_is_refused_by_its_name() -> None:
    words = refused("kko", {"onlyonsundays": ("yes",), "port": ("2",)}, {"port": ("22",)})
    assert words == "onlyonsundays yes: onlyonsundays is not read here; leave it out for kko"


def test_all_that_ssh_says_where_nothing_is_set_is_taken() -> None:
    usual = SshProgram(Path("/nowhere")).usual()
    assert refused("kko", usual, usual) == ""


ALGORITHMS = {
    "Ciphers": ("aes128-ctr", "aes256-ctr", "aes256-gcm@openssh.com", "3des-cbc"),
    "MACs": ("hmac-sha2-256", "hmac-sha2-512", "umac-64@openssh.com"),
    "KexAlgorithms": ("curve25519-sha256", "ecdh-sha2-nistp256", "diffie-hellman-group14-sha256"),
    "HostKeyAlgorithms": ("ssh-ed25519", "rsa-sha2-512", "ecdsa-sha2-nistp256"),
    "PubkeyAcceptedAlgorithms": ("ssh-ed25519", "rsa-sha2-256"),
    "CASignatureAlgorithms": ("ssh-ed25519",),
}
OTHERS = (
    "HostName 10.0.0.7", "HostName %h.example.org", "HostName a..b", "User frb", "User 'x y'",
    "Port 2222", "Port=2200", "Port 2201 # x", "Port many", "port  99", "HostKeyAlias the-manager",
    "IdentitiesOnly yes", "IdentitiesOnly maybe", "IdentityFile /k/a", "IdentityFile none",
    "IdentityFile ~/k", "ConnectTimeout 3", "ConnectTimeout 1m30s", "ConnectTimeout nan",
    "ConnectTimeout -1", "RequiredRSASize 3072", "RequiredRSASize x", "AddressFamily inet",
    "AddressFamily inet7", "BindAddress ::1", "UserKnownHostsFile /a /b", "CheckHostIP yes",
    "GlobalKnownHostsFile /g", "GlobalKnownHostsFile none", "RevokedHostKeys /r",
    "RevokedHostKeys none", "KnownHostsCommand /bin/k %H", "StrictHostKeyChecking off",
    "StrictHostKeyChecking accept-new", "VerifyHostKeyDNS ask", "UpdateHostKeys ask",
    "PubkeyAuthentication no", "PreferredAuthentications password", "BindInterface lo",
    "ProxyCommand nc %h %p", "ProxyCommand none", "ProxyJump none", "Nonsense 1", "Include /none",
)  # fmt: skip
HEADS = (
    "Host *", "Host aux.*", "Host AUX.kko", "Host !aux.kko *", "Host other", "Match host aux.*",
    "Match all", "Match user frb", "Match exec true", "Match exec false", "Match exec", "Match",
    "Match originalhost aux.kko", "Match nonsense x", "Match tagged x", "Match version 9*",
    "Match localnetwork 10.0.0.0/8", "Match final", "Match !host aux.kko",
)  # fmt: skip
RESTRICTING = {
    "checkhostip": "no",
    "revokedhostkeys": "",
    "knownhostscommand": "",
    "pubkeyauthentication": "true",
    "preferredauthentications": "",
    "bindinterface": "",
}
"""With what stands there where nothing is restricted."""
DRAWS = 300


def configured(draw: random.Random) -> str:
    lines: list[str] = []
    for _ in range(draw.randint(0, 4)):
        lines += [draw.choice(HEADS)] if draw.random() < 0.7 else []
        for _ in range(draw.randint(1, 3)):
            if draw.random() < 0.4:
                option, names = draw.choice(list(ALGORITHMS.items()))
                some = draw.sample(names, draw.randint(1, len(names)))
                lines.append(f"{option} {draw.choice(('', '', '+', '-', '^'))}{','.join(some)}")
            else:
                lines.append(draw.choice(OTHERS))
    return "\n".join((*lines, ""))


def said_by_ssh(config: Path) -> dict[str, str] | None:
    ran = subprocess.run(
        ["ssh", "-T", "-G", "-F", str(config), "--", "aux.kko"],
        check=False,
        capture_output=True,
        text=True,
    )
    if ran.returncode:
        return None
    lines = (line.partition(" ") for line in ran.stdout.splitlines())
    said: dict[str, str] = {}
    for name, _, value in lines:
        said[name] = f"{said[name]}\n{value}" if name in said else value
    return said


@pytest.mark.parametrize("part", range(5))
def test_generated_configurations_mean_what_they_mean_to_ssh(
    target: Resolve, tmp_path: Path, part: int
) -> None:
    taken = 0
    for seed in range(part * DRAWS // 5, (part + 1) * DRAWS // 5):
        text = configured(random.Random(seed))  # noqa: S311 - seeded, for a failure to be replayed
        try:
            found = target(text)
        except FleetError as error:
            found, words = None, error.problems[0].evidence[0]
        said = said_by_ssh(tmp_path / "config")
        if said is None:
            assert found is None, text
            continue
        forbidden = [
            name for name, free in RESTRICTING.items() if said.get(name, free) not in (free, "none")
        ]
        if forbidden:
            assert found is None, text
            assert any(words.lower().startswith(name) for name in forbidden), (words, text)
            continue
        assert found is not None, (words, text)
        taken += 1
        assert (found.host, str(found.port), found.user) == (
            said["hostname"],
            said["port"],
            said["user"],
        ), text
        for option in ALGORITHMS:
            if option != "CASignatureAlgorithms":  # no certificate is taken here
                assert ",".join(found.allowed(option.lower())) == said[option.lower()], text
        assert found.identities_only == (said["identitiesonly"] == "yes"), text
        assert str(found.least_rsa_bits) == said["requiredrsasize"], text
        assert found.bind_address == said.get("bindaddress", ""), text
        assert found.host_key_names[-1] == said.get("hostkeyalias", said["hostname"]), text
        assert found.proxy_command == re.sub(
            "^none$",
            "",
            said.get("proxycommand", "")
            .replace("%h", said["hostname"])
            .replace("%p", said["port"]),
        ), text
        seconds = said["connecttimeout"]
        expected = 10.0 if seconds == "none" else float(seconds)
        assert found.connect_timeout_seconds == expected, text
    assert taken > DRAWS // 5 // 4


def test_what_is_included_is_read(target: Resolve, tmp_path: Path) -> None:
    (tmp_path / "more").write_text("Host aux.kko\n User kko\n")
    assert target(f"Include {tmp_path}/more\nUser other\n").user == "kko"


def test_without_a_configuration_the_defaults_hold(tmp_path: Path) -> None:
    found = resolve("kko", SshProgram(tmp_path / "none"), Manager(host="aux.kko"), DEFAULTS)
    assert (found.host, found.port, found.user) == ("aux.kko", 22, ME)


def test_a_host_is_asked_about_once(tmp_path: Path) -> None:
    config, asked = tmp_path / "config", tmp_path / "asked"
    config.write_text(f'Match exec "echo x >> {asked}"\n User kko\n')
    program = SshProgram(config)
    for _ in range(3):
        assert resolve("kko", program, Manager(host="aux.kko"), DEFAULTS).user == "kko"
    assert asked.read_text() == "x\n"


def test_a_name_is_no_option_of_ssh(target: Resolve) -> None:
    with pytest.raises(FleetError):
        target("", host="-oProxyCommand=touch /tmp/x")


def test_an_ssh_that_writes_without_an_end_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "bin/ssh"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\nexec yes\n")
    fake.chmod(0o700)
    monkeypatch.setenv("PATH", str(fake.parent), prepend=":")
    with pytest.raises(FleetError) as caught:
        resolve("kko", SshProgram(), Manager(host="aux.kko"), DEFAULTS)
    assert caught.value.problems[0].evidence == ("ssh -G wrote more than 1000000 bytes",)
