"""One service of a compose file, as far as dtdeploy has to know it."""

import re

from orchestrator.fleet.desired import DesiredService, PublishedPort
from orchestrator.fleet.observed import Mode
from orchestrator.sources.document import Scalar, Table, Tree, items, table
from orchestrator.sources.duration import seconds
from orchestrator.sources.findings import Findings
from orchestrator.sources.ports import short
from orchestrator.sources.reading import as_text, parsed

GRACE_SECONDS = 10.0
"""Docker's stop_grace_period where a file has none."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")

CHECK_SECONDS = 30.0
CHECK_RETRIES = 3
"""Docker's interval and timeout, and retries, where a health check has none or 0."""


def is_known(tree: Tree | None) -> bool:
    """Whether it is a value, and all of it may be read here."""
    return isinstance(tree, Scalar) and not (tree.broken or tree.secret)


def text(tree: Tree | None, findings: Findings) -> str:
    """Return a value as text, "" where there is none; one with a secret in it is refused.

    What is read here is shown in plans and reports, so no secret may be part of it.
    """
    if not isinstance(tree, Scalar) or tree.value is None or tree.broken:
        return ""
    if tree.secret:
        names = ", ".join(tree.secret)
        findings.add(
            "secret-in-plain-value",
            f"the secret variable {names} must not be used here: this value is shown and stored",
            tree.at,
            fix="use a plain variable here, or pass the secret through `environment:`",
        )
        return ""
    return as_text(tree.value)


def flag(tree: Tree | None, findings: Findings) -> bool:
    """Return a boolean; the words for true are those Docker takes after interpolation."""
    return text(tree, findings).lower() in {"true", "yes", "y", "on"}


def service(name: str, body: Table, findings: Findings) -> DesiredService:
    """Read a service; what Docker would refuse about it goes to the findings."""
    deploy = table(body.get("deploy"))
    mode = _mode(deploy, findings)
    return DesiredService(
        name=name,
        image=_image(name, body, findings),
        mode=mode,
        replicas=_replicas(deploy, mode, findings),
        grace_seconds=_seconds(body, "stop_grace_period", GRACE_SECONDS, findings),
        start_seconds=_start_seconds(body.get("healthcheck"), findings),
        ports=tuple(port for item in items(body.get("ports")) for port in _ports(item, findings)),
    )


def _image(name: str, body: Table, findings: Findings) -> str:
    tree = body.get("image")
    image = text(tree, findings)
    if tree is None or (isinstance(tree, Scalar) and not tree.value and not tree.broken):
        at = tree.at if tree else body.at
        findings.add(
            "no-image",
            f"the service {name} has no image; a Swarm builds none",
            at,
            fix="build and push the image beforehand, and name it under `image:`",
        )
    return image


def _mode(deploy: Table, findings: Findings) -> Mode:
    tree = deploy.get("mode")
    word = text(tree, findings) or Mode.REPLICATED.value
    if word in {mode.value for mode in Mode}:
        return Mode(word)
    known = ", ".join(mode.value for mode in Mode)
    findings.add(
        "bad-value", f"{word!r} is no mode; there are {known}", tree.at if tree else deploy.at
    )
    return Mode.REPLICATED


def _replicas(deploy: Table, mode: Mode, findings: Findings) -> int:
    tree = deploy.get("replicas")
    if tree is None:
        return 1
    if mode in {Mode.GLOBAL, Mode.GLOBAL_JOB}:
        findings.add("bad-value", f"a {mode.value} service takes no replicas", tree.at)
        return 1
    return _number(tree, default=1, findings=findings)


def _number(tree: Tree | None, *, default: int, findings: Findings) -> int:
    """Return a whole number; what is none was told already, by its shape."""
    word = text(tree, findings)
    if tree is None or not _WHOLE.fullmatch(word):
        return default
    return max(0, int(word))


def _seconds(body: Table, key: str, default: float, findings: Findings) -> float:
    tree = body.get(key)
    word = text(tree, findings)
    if tree is None or not word:
        return default
    length = seconds(word)
    if length is None:
        return default
    return max(0.0, length)


def _start_seconds(tree: Tree | None, findings: Findings) -> float:
    if not isinstance(tree, Table):
        return 0.0
    test = items(tree.get("test"))
    if flag(tree.get("disable"), findings):
        if test:
            findings.add("bad-value", "`test` and `disable` exclude each other", tree.at)
        return 0.0
    if test and isinstance(test[0], Scalar) and test[0].value == "NONE":
        return 0.0
    interval, timeout = (
        _seconds(tree, key, 0.0, findings) or CHECK_SECONDS for key in ("interval", "timeout")
    )
    retries = _number(tree.get("retries"), default=0, findings=findings)
    start = _seconds(tree, "start_period", 0.0, findings)
    return start + (retries or CHECK_RETRIES) * (interval + timeout)


def _ports(tree: Tree, findings: Findings) -> tuple[PublishedPort, ...]:
    if isinstance(tree, Table):
        return _long_port(tree, findings)
    return parsed(short, text(tree, findings), ())


def _long_port(tree: Table, findings: Findings) -> tuple[PublishedPort, ...]:
    published = tree.get("published")
    mode = text(tree.get("mode"), findings) or "ingress"
    if published is None:
        return ()
    port = _number(published, default=0, findings=findings)
    protocol = text(tree.get("protocol"), findings).lower() or "tcp"
    return (PublishedPort(port=port, protocol=protocol, mode=mode),) if port else ()
