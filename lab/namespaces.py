"""Hosts out of namespaces: a switch, cables, and a first process that holds a host together."""

import selectors
import shlex
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from lab import paths, processes
from lab.errors import LabError
from lab.packages import program
from lab.state import Process
from lab.suites import DOCKER_COMMAND, Tree
from lab.topology import PREFIX_LENGTH, Host, Role, Shape

SWITCH = "switch"
_READY_SECONDS = 20
_NETNS_FOLDER = Path("/run/netns")

# What daemons and logins may know of the outside: no proxies, no agent, no other docker.
CLEAN_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}


def run(*words: str, stdin: str | None = None) -> str:
    """Run a program of the machine and return what it printed."""
    command = [program(words[0]), *words[1:]]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"{shlex.join(words)} failed with {done.returncode}: {done.stderr.strip()}"
        raise LabError(message)
    return done.stdout


def netns(name: str) -> str:
    """Name the network namespace of a host, or of the switch, for `ip netns`."""
    return f"{paths.label()}-{name}"


def words_to_join(name: str, *command: str) -> list[str]:
    """Give the command line that runs a program of the machine in a host's network."""
    return [program("nsenter"), f"--net={_NETNS_FOLDER / netns(name)}", *command]


def in_network(name: str, *words: str, stdin: str | None = None) -> str:
    """Run a program of the machine in a host's network."""
    return run(*words_to_join(name, program(words[0]), *words[1:]), stdin=stdin)


def pids_in(name: str) -> list[int]:
    """List the processes in a host's network, the machine's own helpers among them."""
    return [int(pid) for pid in run("ip", "netns", "pids", netns(name)).split()]


def build_switch() -> None:
    """Make the bridge that every host is plugged into; it has no uplink."""
    run("ip", "netns", "add", netns(SWITCH))
    commands = "link add br0 type bridge\nlink set br0 up\nlink set lo up\n"
    in_network(SWITCH, "ip", "-batch", "-", stdin=commands)


def plug(hosts: Iterable[Host]) -> None:
    """Give each host its network namespace, its address and a cable to the switch."""
    for host in hosts:
        run("ip", "netns", "add", netns(host.name))
        inside = (
            f"link add eth0 type veth peer name {host.port} netns {netns(SWITCH)}\n"
            f"addr add {host.address}/{PREFIX_LENGTH} dev eth0\nlink set eth0 up\nlink set lo up\n"
        )
        in_network(host.name, "ip", "-batch", "-", stdin=inside)
        outside = f"link set {host.port} master br0\nlink set {host.port} up\n"
        in_network(SWITCH, "ip", "-batch", "-", stdin=outside)


def boot(host: Host, shape: Shape) -> Process:
    """Start the first process of a host and wait until its mounts are in place."""
    folder = paths.host_folder(host.name)
    for name in ("home", "docker", "etc"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    # The operator's machine shares the machine's processes, so that `ops` can become the command.
    own_processes = [] if host.role is Role.OPERATOR else ["--pid", "--fork", "--kill-child"]
    # Not `ip netns exec`: it mounts a new /sys, and dockerd finds no cgroups there.
    unshare = [program("unshare"), "--mount", "--uts", *own_processes, "--propagation", "private"]
    first = [
        "bash",
        "-c",
        _first_script(host, folder, shape),
        f"dtdeploy-lab-init {host.name}",
    ]
    command = words_to_join(host.name, *unshare, *first)
    with (folder / "init.log").open("w") as log:
        pid = int(_first_line(command, log, f"{host.name} to boot (see {log.name})"))
    started = processes.start_time(pid)
    if started is None:
        raise LabError(f"{host.name} died at boot, see {log.name}")
    return Process(pid, started)


def set_loose(command: list[str], log: Path, *, cwd: Path | None = None) -> None:
    """Start a program that goes on when this one ends."""
    with log.open("a") as output:
        subprocess.run(
            [program("setsid"), "--fork", *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=cwd,
            check=True,
        )


def _first_line(command: list[str], log: TextIO, what: str) -> str:
    starter = subprocess.Popen(
        [program("setsid"), "--fork", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        env=CLEAN_ENVIRONMENT,
        text=True,
    )
    starter.wait(timeout=_READY_SECONDS)
    if starter.stdout is None:
        raise LabError("the process was started without a pipe")
    with selectors.DefaultSelector() as selector, starter.stdout as output:
        selector.register(output, selectors.EVENT_READ)
        line = output.readline().strip() if selector.select(_READY_SECONDS) else ""
    if not line:
        raise LabError(f"waited in vain for {what}")
    return line


def _first_script(host: Host, folder: Path, shape: Shape) -> str:
    etc = folder / "etc"
    steps = [
        "set -e",
        # Read through the outer /proc, which knows this process by its machine-wide pid.
        "read -r pid rest < /proc/self/stat",
        f"hostname {host.uts_name}",
        *(f"mount --bind {shlex.quote(str(file))} /etc/{file.name}" for file in _etc_files(etc)),
    ]
    if cli := _docker_command(host, folder, shape):
        steps.append(f"mount --bind {shlex.quote(cli)} {shlex.quote(program('docker'))}")
    if host.role is not Role.OPERATOR:
        steps += [
            "mount -t proc proc /proc",
            "mkdir -p /var/lib/docker",
            f"mount --bind {shlex.quote(str(folder / 'docker'))} /var/lib/docker",
            f"mount --bind {shlex.quote(str(folder / 'home'))} /root",
            "mount -t tmpfs tmpfs /run",
            "mkdir -p /run/sshd /run/lock",
        ]
    if host.runs_docker and shape.engine:
        steps.append(Tree(shape.engine).namespace(paths.folder()))
    # Bash reaps the orphans that come to a first process.
    steps += ['echo "$pid"', "exec > /dev/null", "while :; do sleep infinity & wait $! || :; done"]
    return "\n".join(steps)


def _docker_command(host: Host, folder: Path, shape: Shape) -> str | None:
    """Locate what is to be the docker command of a host, unless it is the machine's."""
    if shape.docker_cli:
        return shape.docker_cli if shape.docker_cli != program("docker") else None
    if not host.runs_docker or not shape.engine:
        return None
    script = folder / "docker-command"
    script.write_text(DOCKER_COMMAND)
    script.chmod(0o755)
    return str(script)


def _etc_files(etc: Path) -> list[Path]:
    return sorted(file for file in etc.iterdir() if (Path("/etc") / file.name).exists())


def leftovers() -> list[str]:
    """List whose network namespaces are there from this or an earlier run of this lab."""
    if not _NETNS_FOLDER.is_dir():
        return []
    prefix = netns("")
    return sorted(path.name.removeprefix(prefix) for path in _NETNS_FOLDER.glob(f"{prefix}*"))


def tear_down(names: Iterable[str]) -> None:
    """End everything in these hosts' networks, then the networks."""
    listed = list(names)
    # A host's first process takes its daemons, shims and containers along.
    processes.end({pid for name in listed for pid in pids_in(name)})
    for name in listed:
        run("ip", "netns", "delete", netns(name))
