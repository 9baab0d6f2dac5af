"""Finding out all that preflight wants to know of a site, in a handful of round trips."""

import shlex
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import quote

import docker
import requests
from docker.errors import APIError, DockerException

from orchestrator.errors import FleetError
from orchestrator.fleet.desired import Probe
from orchestrator.fleet.observed import Sight, Unseen
from orchestrator.fleet.platforms import platform
from orchestrator.procedures.effects import (
    CheckedImages,
    CheckedVolumes,
    CheckImages,
    CheckVolumes,
    Examination,
    Examine,
    ImageCheck,
    ProbeResult,
)
from orchestrator.swarm import dtdeploy_look, listening, parse, probes, problems, registry
from orchestrator.swarm.connection import SshConnection
from orchestrator.swarm.engine_api import SDK_CHANNELS
from orchestrator.swarm.http_pipe import Request, Response
from orchestrator.swarm.link import HEAD_START_SECONDS, SiteLink
from orchestrator.swarm.look import look
from orchestrator.swarm.remote_command import CommandResult, Question
from orchestrator.swarm.strangers import ask_others

_FACTS_SECONDS = 20.0
_PREDEFINED = ("bridge", "host", "none")
"""Networks that every host has; a compose file may call them external."""
_LOGINS_SCRIPT = 'cat "${DOCKER_CONFIG:-$HOME/.docker}/config.json" 2>/dev/null'
LOGINS = Question("logins", _LOGINS_SCRIPT)


def about(name: str, script: str, root: str) -> Question:
    """Return a question about a manager whose Docker keeps its data at `root`.

    The part `logins` is the last: the file may end without a newline.
    """
    text = f"set -- {shlex.quote(root)}{script}echo ==logins; {_LOGINS_SCRIPT}\nexit 0\n"
    return Question(name, text)


@dataclass(frozen=True, slots=True)
class Clocks:
    """Ours: monotonic seconds, and seconds since 1970 (UTC)."""

    monotonic: Callable[[], float]
    wall: Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """Where Docker keeps its data, and how far its host's clock is ahead of ours."""

    root: str
    clock_offset_seconds: float


def examine(link: SiteLink, clocks: Clocks, effect: Examine) -> Examination | Unseen:
    """Examine a site; nothing there is changed.

    Returns:
        The examination; Unseen when the site cannot be reached, its Swarm not be asked, or a
        fact not be got.

    """
    try:
        daemon = link.reading(lambda: ask_daemon(link, clocks))
        sight = look(link, clocks.monotonic)
        if isinstance(sight, Unseen):
            return sight
        others = ask_others(link, clocks.monotonic)
        seen = _examined(link, clocks, effect, daemon, sight)
        return replace(seen, strangers=others(HEAD_START_SECONDS))
    except FleetError as error:
        return Unseen(site=link.site, at=clocks.monotonic(), problem=error.problems[0])


def check_images(link: SiteLink, clocks: Clocks, effect: CheckImages) -> CheckedImages | Unseen:
    """Let the site's daemon ask about images, as `docker stack deploy` does.

    Returns:
        What the registries said; Unseen when the site cannot be reached.

    """
    try:
        logins = registry.read_logins(read(link, LOGINS))
        checks = ask_registries(link, effect.images, logins)
    except FleetError as error:
        return Unseen(site=link.site, at=clocks.monotonic(), problem=error.problems[0])
    return CheckedImages(site=link.site, images=checks)


def check_volumes(link: SiteLink, clocks: Clocks, effect: CheckVolumes) -> CheckedVolumes | Unseen:
    """Ask the manager's daemon for volumes one by one.

    The list of all would ask every volume plugin, and wait for one that is gone.
    """
    wanted = [Request(f"/volumes/{quote(name, safe='')}") for name in effect.names]
    try:
        answers = link.reading(lambda: link.api.ask(wanted))
    except FleetError as error:
        return Unseen(site=link.site, at=clocks.monotonic(), problem=error.problems[0])
    found = tuple(parse.volume(answer.body) for answer in answers if answer.ok)
    return CheckedVolumes(site=link.site, volumes=found)


def _examined(
    link: SiteLink, clocks: Clocks, effect: Examine, daemon: Daemon, sight: Sight
) -> Examination:
    facts = parts(link, about("facts", dtdeploy_look.FACTS, daemon.root))
    free, total = disk(link.site, facts.get("df", b""))
    networks, configs, secrets, containers = link.api.ask(
        Request(path) for path in ("/networks", "/configs", "/secrets", "/containers/json")
    )
    return Examination(
        sight=sight,
        api_version=link.api.version,
        cli_version=cli_version(facts.get("cli", b"")),
        disk_free_bytes=free,
        disk_total_bytes=total,
        clock_offset_seconds=daemon.clock_offset_seconds,
        images=ask_registries(link, effect.images, registry.read_logins(facts.get("logins", b""))),
        requires=tuple(_requires(link, clocks, effect)),
        listening=_listening(effect, facts, sight, containers),
        all_networks=(*(n.name for n in parse.networks(networks.body)), *_PREDEFINED),
        all_configs=tuple(config.name for config in parse.resources(configs.body)),
        all_secrets=tuple(secret.name for secret in parse.resources(secrets.body)),
    )


def ask_daemon(link: SiteLink, clocks: Clocks) -> Daemon:
    """Ask the daemon for its clock on a warm channel, so that half the round trip is small."""
    link.api.ask(())
    before = clocks.wall()
    answer = link.api.ask([Request("/info")])[0]
    after = clocks.wall()
    if not answer.ok:
        words = parse.message(answer.body)
        raise FleetError(problems.docker(link.site, problems.docker_code(words), words))
    root, theirs = parse.root_and_time(answer.body)
    ours = datetime.fromtimestamp((before + after) / 2, UTC)
    offset = (theirs - ours).total_seconds() if theirs else 0.0
    return Daemon(root=root, clock_offset_seconds=offset)


def parts(link: SiteLink, question: Question) -> dict[str, bytes]:
    """Ask there; returns what is answered after each line `==NAME`, by name (FleetError)."""
    said = (b"\n" + read(link, question)).split(b"\n==")[1:]
    heads = (part.partition(b"\n") for part in said)
    return {name.decode(): body for name, _, body in heads}


def read(link: SiteLink, question: Question) -> bytes:
    """Ask there; returns what is answered (FleetError)."""

    def run() -> CommandResult:
        return link.connection().read(question, deadline_seconds=_FACTS_SECONDS)

    return link.reading(run).stdout


def cli_version(text: bytes) -> str:
    """Read `Docker version 20.10.24+dfsg1, build 5d6db84`; "" if there is no such command."""
    words = text.decode(errors="replace").split()
    return "".join(words[2:3]).rstrip(",") if words[:2] == ["Docker", "version"] else ""


def disk(site: str, text: bytes) -> tuple[int, int]:
    """Read free and total bytes from `df -Pk` (POSIX: blocks of 1024 bytes, six columns)."""
    try:
        columns = text.decode(errors="replace").splitlines()[1].split()
        return int(columns[-3]) * 1024, int(columns[-5]) * 1024
    except (IndexError, ValueError) as error:
        what = "the manager's free disk space cannot be read"
        raise FleetError(
            problems.unreachable(site, what, text.decode(errors="replace"), fix="df -Pk")
        ) from error


def _listening(
    effect: Examine, facts: dict[str, bytes], sight: Sight, containers: Response
) -> tuple[tuple[int, str], ...]:
    """Return which of the wanted ports are in use by something that is no service.

    A container that is none has its port without any listening process where Docker runs without
    its proxy (`userland-proxy: false`).
    """
    ingress = {
        (port, protocol)
        for service in sight.services
        for port, protocol, mode in service.published
        if mode == "ingress"
    }
    services, others = parse.container_ports(containers.body)
    try:
        used = {
            port
            for protocol in ("tcp", "udp")
            for port in listening.ports(facts.get(protocol, b""), protocol)
        }
    except ValueError as error:
        what = "what listens on the manager cannot be read"
        problem = problems.unreachable(sight.site, what, str(error), fix="cat /proc/net/tcp*")
        raise FleetError(problem) from error
    taken = (used - ingress - services) | others
    return tuple(sorted(one for one in taken if one[0] in effect.ports))


def _requires(
    link: SiteLink, clocks: Clocks, effect: Examine
) -> Iterator[tuple[Probe, ProbeResult]]:
    for wanted in effect.requires:
        patience = wanted.timeout_seconds
        ok, words = probes.probe(
            wanted, link.connection, clocks.monotonic, patience_seconds=patience
        )
        yield wanted, ProbeResult(ok=ok, at=clocks.monotonic(), words=words)


def ask_registries(
    link: SiteLink, images: tuple[str, ...], logins: registry.Logins
) -> tuple[ImageCheck, ...]:
    """Let the site's daemon ask about images, side by side, with its manager's logins."""
    if not images:
        return ()
    helped = _helped(link, images, logins)
    sdk = link.api.sdk()
    with ThreadPoolExecutor(SDK_CHANNELS, thread_name_prefix=f"registry-{link.site}") as pool:
        return tuple(pool.map(lambda image: _image(sdk, image, logins, helped), images))


def _helped(
    link: SiteLink, images: tuple[str, ...], logins: registry.Logins
) -> dict[str, dict[str, str]]:
    """Ask the manager's credential helpers; returns logins by registry. Secret."""
    helpers = {registry.server(i): h for i in images if (h := logins.helper(i))}
    if not helpers:
        return {}
    connection: SshConnection = link.connection()
    text = registry.helper_script(helpers)
    result = connection.run_script(text, deadline_seconds=_FACTS_SECONDS)
    return dict(zip(helpers, map(registry.helper_login, result.stdout.splitlines()), strict=False))


def _image(
    sdk: docker.APIClient,
    image: str,
    logins: registry.Logins,
    helped: dict[str, dict[str, str]],
) -> ImageCheck:
    """Let the daemon ask the registry, just as `docker stack deploy` does.

    `docker manifest inspect` would not do: it asks from the CLI, which does not know the
    daemon's insecure registries and mirrors.
    """
    try:
        login = helped.get(registry.server(image)) or logins.of(image)
        found = sdk.inspect_distribution(  # type: ignore[no-untyped-call] # stubs lack types
            image, auth_config=login
        )
    except APIError as error:
        return registry.refused(image, str(error.explanation or error))
    except requests.RequestException as error:
        return ImageCheck(image=image, ok=False, words=f"no answer about it: {error}")
    except (ValueError, DockerException, FleetError) as error:
        return ImageCheck(image=image, ok=False, words=str(error))
    digest = str(found.get("Descriptor", {}).get("digest", ""))
    platforms = tuple(
        platform(str(said.get("os", "")), str(said.get("architecture", "")))
        for said in found.get("Platforms") or ()
    )
    return ImageCheck(image=image, ok=True, digest=digest, words="found", platforms=platforms)
