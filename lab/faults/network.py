"""Links that are cut, refuse, hang or crawl. One such fault a host; the next replaces it."""

import sys
from pathlib import Path

from lab import hosts, namespaces, paths, processes, state
from lab.errors import LabError
from lab.topology import Host

_MARK = "DTLAB"
_TABLES = ("mangle", "filter", "nat")
_PROXY_PORT = 10022
_FAULT = "link-fault"
_PROXY = "lab.faults.proxy"


def cut(word: str) -> None:
    """Drop every packet between a site (or one host) and the rest; nothing is told of it."""
    for host, friends in _targets(word):
        _filter_link(host, friends, ["-j DROP"])


def hang(word: str) -> None:
    """Let TCP connections be made and kept, and let nothing through them."""
    # Small writes are pushed; the length catches the middle of a large one. Handshakes,
    # acknowledgements and closings carry nothing and pass.
    rules = ["-p tcp --tcp-flags PSH PSH -j DROP", "-p tcp -m length --length 500:65535 -j DROP"]
    for host, friends in _targets(word):
        _filter_link(host, friends, rules)


def reject(word: str) -> None:
    """Answer every TCP packet from outside with a reset: connections are refused or break."""
    for host, friends in _targets(word):
        _renew(host)
        allowed = "".join(f"-A {_MARK} -s {friend.address} -j RETURN\n" for friend in friends)
        _restore(
            host,
            f"*filter\n:{_MARK} - [0:0]\n{allowed}"
            f"-A {_MARK} -p tcp -j REJECT --reject-with tcp-reset\n-A {_MARK} -j REJECT\n"
            f"-I INPUT -i eth0 -j {_MARK}\n-I FORWARD -i eth0 -j {_MARK}\nCOMMIT\n",
        )


def slow(word: str, *, rate: str | None = None, delay_ms: int = 0) -> None:
    """Limit a host's link to a rate such as 64kbit, and delay what new SSH connections carry."""
    host = hosts.find(word)
    _renew(host)
    if rate:
        shape = ["root", "tbf", "rate", rate, "burst", "3kb", "latency", "20s"]
        namespaces.in_network(host.name, "tc", "qdisc", "replace", "dev", "eth0", *shape)
        switch = namespaces.SWITCH
        namespaces.in_network(switch, "tc", "qdisc", "replace", "dev", host.port, *shape)
    if delay_ms:
        _start_proxy(host, delay_ms)
        _restore(
            host,
            f"*nat\n:{_MARK} - [0:0]\n"
            f"-A {_MARK} -p tcp --dport 22 -j REDIRECT --to-ports {_PROXY_PORT}\n"
            f"-I PREROUTING -i eth0 -j {_MARK}\nCOMMIT\n",
        )


def heal_network(host: Host) -> None:
    """Undo every network fault of a host; costs nothing where there was none."""
    if not _mark(host).exists():
        return
    for table in _TABLES:
        _remove_marked(host, table)
    for name, device in ((host.name, "eth0"), (namespaces.SWITCH, host.port)):
        if "tbf" in namespaces.in_network(name, "tc", "qdisc", "show", "dev", device):
            namespaces.in_network(name, "tc", "qdisc", "del", "dev", device, "root")
    processes.end(_proxies(host))
    _mark(host).unlink(missing_ok=True)


def forget() -> None:
    """Let no host have a fault: their networks are gone."""
    for mark in (paths.folder() / "hosts").glob(f"*/{_FAULT}"):
        mark.unlink()


def network_fault(host: Host) -> bool:
    """Tell whether a host has a network fault."""
    rules = [namespaces.in_network(host.name, "iptables", "-t", t, "-S") for t in _TABLES]
    queue = namespaces.in_network(host.name, "tc", "qdisc", "show", "dev", "eth0")
    return any(_MARK in text for text in rules) or "tbf" in queue


def _targets(word: str) -> list[tuple[Host, list[Host]]]:
    """Pair each host with those it can still talk to: its own site, if the whole site is meant."""
    targets = state.current().shape.hosts_of(word)
    return [(host, [other for other in targets if other != host]) for host in targets]


def _renew(host: Host) -> None:
    """Undo the fault that is there. The mark is made first: a killed test must leave it."""
    heal_network(host)
    _mark(host).touch()


def _mark(host: Host) -> Path:
    return paths.host_folder(host.name) / _FAULT


def _filter_link(host: Host, friends: list[Host], rules: list[str]) -> None:
    _renew(host)
    lines = ["*mangle"]
    for chain, hook, peer in (
        (f"{_MARK}-IN", "PREROUTING -i", "-s"),
        (f"{_MARK}-OUT", "POSTROUTING -o", "-d"),
    ):
        lines += [f":{chain} - [0:0]"]
        lines += [f"-A {chain} {peer} {friend.address} -j RETURN" for friend in friends]
        lines += [f"-A {chain} {rule}" for rule in rules]
        lines += [f"-I {hook} eth0 -j {chain}"]
    _restore(host, "\n".join([*lines, "COMMIT", ""]))


def _remove_marked(host: Host, table: str) -> None:
    listed = namespaces.in_network(host.name, "iptables", "-t", table, "-S").splitlines()
    chains = [line.split()[1] for line in listed if line.startswith(f"-N {_MARK}")]
    if not chains:
        return
    jumps = [
        line.replace("-A", "-D", 1)
        for line in listed
        if f"-j {_MARK}" in line and not line.startswith(f"-A {_MARK}")
    ]
    empty = [f"-F {chain}" for chain in chains] + [f"-X {chain}" for chain in chains]
    _restore(host, "\n".join([f"*{table}", *jumps, *empty, "COMMIT", ""]))


def _restore(host: Host, rules: str) -> None:
    namespaces.in_network(host.name, "iptables-restore", "--noflush", "--wait", "10", stdin=rules)


def _start_proxy(host: Host, delay_ms: int) -> None:
    proxy = [sys.executable, "-m", _PROXY, str(_PROXY_PORT), "22", str(delay_ms)]
    namespaces.set_loose(
        namespaces.words_to_join(host.name, *proxy),
        hosts.log_file(host, "proxy"),
        cwd=paths.checkout(),
    )
    processes.wait_until(
        lambda: _proxy_listens(host), seconds=10, what=f"the slow link's proxy at {host.name}"
    )


def _proxy_listens(host: Host) -> bool:
    try:
        namespaces.in_network(host.name, "bash", "-c", f": < /dev/tcp/127.0.0.1/{_PROXY_PORT}")
    except LabError:
        return False
    return True


def _proxies(host: Host) -> list[int]:
    inside = namespaces.pids_in(host.name)
    return [pid for pid in inside if _PROXY in processes.command_line(pid)]
