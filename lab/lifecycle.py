"""Bringing the lab up and taking it down."""

import contextlib
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from lab import commits, control, namespaces, packages, paths, state, status, suites
from lab.daemons import channel, dockerd, git, postgres, recorder, registry, sshd
from lab.faults import network
from lab.parallel import at_once
from lab.state import State
from lab.topology import LOGIN_ROLES, OPERATORS, Host, Role, Shape

# A busy machine answers late; that alone is no reason to start anew.
_SECONDS_TO_RECOVER = 10
_POLL_SECONDS = 0.2
_CGROUPS = Path("/sys/fs/cgroup")


def up(shape: Shape, *, fresh: bool = False) -> bool:
    """Bring up a lab of this shape; false when a healthy one was there already."""
    packages.require()
    if shape.engine:
        suites.provide(shape.engine)
    with state.locked():
        if not fresh and _is_healthy(shape):
            return False
        _clean()
        lab = State(shape)
        _prepare(shape)
        _boot(lab)
        _start(shape)
        lab.complete = True
        lab.save()
    return True


def down(*, purge: bool = False) -> None:
    """Take the lab down; images, keys, repositories and the database are kept unless purged."""
    with state.locked():
        _clean()
        if purge:
            shutil.rmtree(paths.folder(), ignore_errors=True)


def _is_healthy(shape: Shape) -> bool:
    lab = state.load()
    if lab is None or not lab.complete or lab.shape != shape:
        return False
    deadline = time.monotonic() + _SECONDS_TO_RECOVER
    while time.monotonic() < deadline:
        rows = status.status()
        if any(row.broken for row in rows):
            return False
        if all(row.healthy for row in rows):
            return True
        time.sleep(_POLL_SECONDS)
    return False


def _clean() -> None:
    """Remove whatever an earlier lab left, however it ended."""
    namespaces.tear_down(namespaces.leftovers())
    state.forget()
    _remove_cgroups()
    network.forget()
    shutil.rmtree(paths.witness_folder(), ignore_errors=True)
    for log in (paths.folder() / "hosts").glob("*/*.log"):
        log.unlink()
    for folder in (paths.folder() / "hosts").glob("*/docker"):
        shutil.rmtree(folder)
    for folder in (paths.folder() / "hosts").glob("*/home"):
        _empty_home(folder)


def _empty_home(home: Path) -> None:
    # Keys stay, since making them takes time; all else would be memories of another Swarm.
    for entry in home.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            if entry.name != ".ssh":
                shutil.rmtree(entry)
        else:
            entry.unlink()


def _remove_cgroups() -> None:
    for controller in _CGROUPS.glob(f"*/{paths.label()}"):
        for folder in sorted(controller.rglob("*"), reverse=True):
            if folder.is_dir():
                _remove_cgroup(folder)
        _remove_cgroup(controller)


def _remove_cgroup(folder: Path) -> None:
    # The kernel lets go of a dead container's group a moment after its last process.
    deadline = time.monotonic() + 5
    while folder.exists():
        with contextlib.suppress(OSError):
            folder.rmdir()
            return
        if time.monotonic() > deadline:
            return
        time.sleep(0.05)


def _prepare(shape: Shape) -> None:
    hosts = shape.hosts()
    names = "127.0.0.1 localhost\n" + "".join(f"{host.address} {host.name}\n" for host in hosts)
    for machine in OPERATORS:
        sshd.make_key(sshd.operator_key(machine), comment=machine.name)
    registry.configure()
    git.configure()
    commits.make_pristine(shape)
    for host in hosts:
        _write_etc(host, names)
        if host.runs_docker:
            dockerd.configure(host)
        if host.role in LOGIN_ROLES:
            sshd.configure(host)
    for machine in OPERATORS:
        sshd.write_operator_files(machine, hosts)


def _write_etc(host: Host, names: str) -> None:
    etc = paths.host_folder(host.name) / "etc"
    etc.mkdir(parents=True, exist_ok=True)
    (etc / "hosts").write_text(f"{names}127.0.1.1 {host.uts_name}\n")
    # Nobody listens there, so a lookup of any other name fails at once.
    (etc / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    if host.role is Role.OPERATOR:
        (etc / "passwd").write_text(_passwd_with_home(control.home(host)))


def _passwd_with_home(home: Path) -> str:
    # OpenSSH asks the user database for the home folder, never $HOME.
    lines = Path("/etc/passwd").read_text().splitlines()
    return "".join(
        f"root:x:0:0:root:{home}:/bin/bash\n" if line.startswith("root:") else f"{line}\n"
        for line in lines
    )


def _boot(lab: State) -> None:
    hosts = lab.shape.hosts()
    namespaces.build_switch()
    namespaces.plug(hosts)
    processes = at_once(partial(namespaces.boot, shape=lab.shape), hosts)
    lab.inits = {host.name: process for host, process in zip(hosts, processes, strict=True)}
    lab.save()


def _start(shape: Shape) -> None:
    sites = list(shape.site_managers())
    docker_hosts = [host for host in shape.hosts() if host.runs_docker]
    jobs: list[Callable[[], None]] = [
        *(partial(recorder.start, host) for host in docker_hosts),
        *(partial(_start_site, shape, site) for site in sites),
        _start_registry,
        git.start,
        postgres.start,
        channel.start,
    ]
    at_once(lambda job: job(), jobs)


def _start_registry() -> None:
    registry.start()
    registry.fill()


def _start_site(shape: Shape, site: str) -> None:
    members = shape.hosts_of(site)
    manager = next(host for host in members if host.role is Role.MANAGER)
    at_once(sshd.start, [host for host in members if host.runs_sshd])
    at_once(dockerd.start, members)
    dockerd.init_swarm(manager, shape.ingress_subnet)
    for host in members:
        if host.role is Role.DEPUTY:
            dockerd.join_swarm(host, manager, role="Manager")
        elif host.role is Role.WORKER:
            dockerd.join_swarm(host, manager, role="Worker")
