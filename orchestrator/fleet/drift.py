"""Where what runs differs from what is declared. Values that may be secret are never told."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from orchestrator.fleet import masked
from orchestrator.fleet.desired import DesiredService, DesiredStack
from orchestrator.fleet.facts import SECRETIVE, digest_of, tagged
from orchestrator.fleet.observed import Contents, Facts, Resource, Service, Volume

_ORDER = (
    "service", "image", "image digest", "replicas", "mode", "command", "entrypoint",
    "environment", "unset", "mount", "port", "network", "secret", "config",
    "placement constraint", "placement preference", "limit", "reservation", "health check",
)  # fmt: skip
"""Kinds in the order of how much they matter; all others follow, labels last."""
_LAST = frozenset({"label", "container label"})
_PASSWORD = re.compile(r"(://[^\s/:@]*):[^\s/@]+@")
_HIDDEN = "***"
_FROM_HOME = "bind ~"
_OF_WORDS = frozenset({"command", "entrypoint", "health check"})
"""Kinds whose value is a list of words in JSON, where it begins like one."""


class How(Enum):
    """How what runs differs; the words complete a line."""

    MISSING = "missing"
    """Declared, but not there."""
    EXTRA = "not declared"
    """There, but not declared."""
    CHANGED = "differs"
    MOVED = "moved"
    """As declared, but the image's tag leads to another image by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference. `str` of it is one line that may be shown to anybody.

    `service` is the short name, "" for what belongs to the stack itself. `kind` and `item` say
    what differs: ("environment", "TOKEN"), ("service", ""). `now` is what runs and `declared`
    what should; both are "" where they are hidden or there is nothing to say.
    """

    service: str
    kind: str
    how: How
    item: str = ""
    now: str = ""
    declared: str = ""
    hidden: bool = False

    @property
    def what(self) -> str:
        """What differs: `environment TOKEN`, `service web`, `image`."""
        if self.kind == "service":
            return f"service {self.service}"
        return f"{self.kind} {self.item}".strip()

    @property
    def detail(self) -> str:
        """How it differs, in words."""
        if self.how is How.MOVED:
            return f"moved: {self.now} runs, the tag leads to {self.declared} now"
        if self.hidden:
            return "differs (values hidden)" if self.how is How.CHANGED else self.how.value
        if self.how is How.CHANGED:
            return f"{self.now}, declared {self.declared}"
        value = self.now or self.declared
        return f"{self.how.value}: {value}" if value else self.how.value

    @property
    def mended_by_update(self) -> bool:
        """Whether deploying over what runs ends it.

        `docker stack deploy --prune` removes services that are not declared, and nothing else.
        """
        return bool(self.service) or self.how is How.MISSING

    def __str__(self) -> str:
        place = f"{self.service}: " if self.service and self.kind != "service" else ""
        return f"{place}{self.what} {self.detail}"


def drift(
    desired: DesiredStack, found: Contents, *, public: frozenset[str] = frozenset()
) -> tuple[Change, ...]:
    """Compare a stack that runs with its compose file.

    Args:
        desired: what the compose file says.
        found: what the Swarm holds of the stack; the facts of services that dtdeploy knows how
            to read.
        public: names of environment variables whose values may be shown.

    Returns:
        Every difference, the most important first.

    """
    changes = [
        *_services(desired, found, public),
        *_resources("network", desired.networks, found.networks),
        *_resources("config", desired.configs, found.configs),
        *_resources("secret", desired.secrets, found.secrets),
    ]
    return tuple(sorted(dict.fromkeys(changes), key=_weight))


def kept_volumes(desired: DesiredStack, found: Iterable[Volume]) -> tuple[Change, ...]:
    """Tell which volumes are there already with another driver or other options than declared.

    Docker takes them as they are, whatever is deployed (moby#36167).

    Args:
        desired: what the compose file says.
        found: volumes of a node that may run the stack.

    """
    there = {volume.name: volume for volume in found}
    changes = []
    for volume in desired.volume_options:
        known = there.get(volume.name)
        if known is None or _same_volume(known, volume):
            continue
        driver = known.driver != volume.driver
        changes.append(
            Change(
                service="",
                kind="volume",
                item=volume.name,
                how=How.CHANGED,
                now=f"driver {known.driver}" if driver else "",
                declared=f"driver {volume.driver}" if driver else "",
                hidden=not driver,
            )
        )
    return tuple(changes)


def moved_images(
    desired: DesiredStack, found: Contents, digests: Mapping[str, str]
) -> tuple[Change, ...]:
    """Tell which services run another image than their tag leads to now.

    Args:
        desired: what the compose file says.
        found: what the Swarm holds of the stack.
        digests: by image as the compose file names it, what the registry answers now; an
            image that is not in it, or pinned to a digest, cannot be told to have moved.

    """
    running = {service.name: service for service in found.services}
    changes = []
    for service in desired.services:
        known = running.get(desired.service_name(service))
        now, then = digest_of(known.image) if known else "", digests.get(service.image, "")
        if known is None or tagged(known.image) != tagged(service.image):
            continue
        if now and then and now != then and not digest_of(service.image):
            changes.append(
                Change(
                    service=service.name,
                    kind="image",
                    how=How.MOVED,
                    item=tagged(service.image),
                    now=_short(now),
                    declared=_short(then),
                )
            )
    return tuple(changes)


def _weight(change: Change) -> tuple[int, str, str, str]:
    last = len(_ORDER) + (change.kind in _LAST)
    rank = _ORDER.index(change.kind) if change.kind in _ORDER else last
    return (rank, change.service, change.kind, change.item)


def _services(desired: DesiredStack, found: Contents, public: frozenset[str]) -> Iterator[Change]:
    running = {service.name: service for service in found.services}
    for service in desired.services:
        known = running.pop(desired.service_name(service), None)
        if known is None:
            yield Change(service=service.name, kind="service", how=How.MISSING)
        else:
            yield from _service(service, known, public)
    for name in running:
        short = name.removeprefix(f"{desired.unit.stack}_")
        yield Change(service=short, kind="service", how=How.EXTRA)


def _service(desired: DesiredService, found: Service, public: frozenset[str]) -> Iterator[Change]:
    if found.facts != desired.facts:
        now, declared = _by_name(found.facts), _by_name(desired.facts)
        for name in dict.fromkeys((*declared, *now)):
            if not _same(name[0], now.get(name), declared.get(name)):
                yield _told(desired, name, now.get(name), declared.get(name), public)
    pinned, runs = digest_of(desired.image), digest_of(found.image)
    if pinned and runs != pinned:
        yield Change(
            service=desired.name,
            kind="image digest",
            how=How.CHANGED,
            now=_short(runs) or "none",
            declared=_short(pinned),
        )


def _same(kind: str, now: str | None, declared: str | None) -> bool:
    if kind == "mount" and now and declared and declared.startswith(_FROM_HOME):
        # Only the manager knows which folder that is (docker/cli compose/loader, expandUser).
        return now.startswith("bind /") and now.endswith(declared.removeprefix(_FROM_HOME))
    if now is None or declared is None:
        return False
    if kind in _OF_WORDS and now.startswith("[") and declared.startswith("["):
        return masked.same_words(now, declared)
    return masked.same(now, declared)


def _same_volume(now: Volume, declared: Volume) -> bool:
    names = [name for name, _ in now.options]
    pairs = zip(now.options, declared.options, strict=False)
    return (
        now.driver == declared.driver
        and names == [name for name, _ in declared.options]
        and all(masked.same(known, wanted) for (_, known), (_, wanted) in pairs)
    )


def _by_name(known: Facts) -> dict[tuple[str, str], str]:
    return {(fact.kind, fact.item): fact.value for fact in known}


def _told(
    service: DesiredService,
    name: tuple[str, str],
    now: str | None,
    declared: str | None,
    public: frozenset[str],
) -> Change:
    kind, item = name
    if kind in service.hidden:
        return Change(service=service.name, kind=kind, how=How.CHANGED, hidden=True)
    how = How.CHANGED
    if item:
        how = How.EXTRA if declared is None else How.MISSING if now is None else How.CHANGED
    shown = kind not in SECRETIVE or (kind == "environment" and item in public)
    shown = shown and not masked.is_masked(now or "")
    if not shown:
        return Change(service=service.name, kind=kind, item=item, how=how, hidden=True)
    absent = "none" if how is How.CHANGED else ""
    return Change(
        service=service.name,
        kind=kind,
        item=item,
        how=how,
        now=_public(now) or absent,
        declared=_public(declared) or absent,
    )


def _public(value: str | None) -> str:
    return _PASSWORD.sub(rf"\1:{_HIDDEN}@", value or "")


def _resources(kind: str, declared: tuple[str, ...], found: Iterable[Resource]) -> Iterator[Change]:
    there = {resource.name for resource in found}
    for name in declared:
        if name not in there:
            yield Change(service="", kind=kind, item=name, how=How.MISSING)
    for name in sorted(there.difference(declared)):
        yield Change(service="", kind=kind, item=name, how=How.EXTRA)


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]
