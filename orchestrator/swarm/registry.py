"""The registry logins that a manager has, and what a registry says about an image."""

import shlex
from base64 import b64decode
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from docker.auth import INDEX_NAME, INDEX_URL, AuthConfig, resolve_repository_name
from docker.errors import DockerException

from orchestrator.command_line import typed
from orchestrator.errors import ExitCode, Problem, Where
from orchestrator.procedures.effects import ImageCheck
from orchestrator.words.foreign_json import read_moment, read_object

_DENIED = ("unauthorized", "denied", "authentication required", "no basic auth", "403 forbidden")
_MISSING = ("manifest unknown", "not found", "name unknown", "no such manifest", "no such image")
_JWT_PARTS = 3


@dataclass(frozen=True, slots=True)
class Logins:
    """The manager's ~/.docker/config.json, the part about registries. Secret throughout."""

    auths: AuthConfig = field(repr=False)
    helpers: tuple[tuple[str, str], ...] = ()
    store: str = ""

    def of(self, image: str) -> dict[str, str]:
        """Return the stored login for the image's registry, {} if there is none."""
        return dict(self.auths.resolve_authconfig(domain(image)) or {})

    def helper(self, image: str) -> str:
        """Return the name of the credential helper in charge of the image's registry."""
        return dict(self.helpers).get(server(image), self.store)


def domain(image: str) -> str:
    """Return the registry's host of an image name (docker.io where none is written).

    Raises:
        ValueError: it is no image name.

    """
    try:
        registry, _ = resolve_repository_name(image)
    except (DockerException, IndexError) as error:
        raise ValueError(f"{image!r} is no image name") from error
    return str(registry)


def server(image: str) -> str:
    """Return the name under which credentials are kept (docker/cli: the hub's is a URL)."""
    found = domain(image)
    return INDEX_URL if found == INDEX_NAME else found


def read_logins(text: bytes) -> Logins:
    """Read a Docker client configuration; empty or malformed text means: no logins."""
    try:
        config = read_object(text or b"{}")
        auths = AuthConfig.parse_auth(_entries(config, "auths"))
        helpers = {name: str(helper) for name, helper in _entries(config, "credHelpers").items()}
        store = str(config.get("credsStore") or "")
        return Logins(AuthConfig({"auths": auths}), tuple(sorted(helpers.items())), store)
    except (ValueError, AttributeError, TypeError):
        return Logins(AuthConfig({}))


def expiries(text: bytes) -> tuple[tuple[str, float], ...]:
    """Read until when the stored logins last, of those that say so: seconds since 1970.

    A credential helper's are renewed by the helper. Nothing of a login is returned but its
    registry and that moment.
    """
    try:
        auths = _entries(read_object(text or b"{}"), "auths")
    except ValueError:
        return ()
    found = ((name, _ends(entry)) for name, entry in auths.items() if isinstance(entry, dict))
    return tuple((_host(name), at) for name, at in found if at is not None)


def _entries(config: dict[str, object], key: str) -> dict[str, Any]:
    found = config.get(key)
    return found if isinstance(found, dict) else {}


def _host(name: str) -> str:
    """Return the host of a key of `auths`, which may be a URL (the hub's is)."""
    return urlsplit(name if "://" in name else f"//{name}").netloc


def _ends(entry: dict[str, object]) -> float | None:
    password = _decoded(str(entry.get("auth") or "")).partition(":")[2]
    tokens = (password, *(str(entry.get(k) or "") for k in ("identitytoken", "registrytoken")))
    ends = (at for token in tokens if (at := expiry(token)) is not None)
    return min(ends, default=None)


def expiry(token: str) -> float | None:
    """Return when a token ends, if it says so: a JWT's `exp` (RFC 7519), or ECR's `expiration`."""
    parts = token.split(".")
    claims = parts[1] if len(parts) == _JWT_PARTS else token
    try:
        said = read_object(_decoded(claims))
        return read_moment(said.get("exp") or said.get("expiration"))
    except ValueError:
        return None


def _decoded(encoded: str) -> str:
    """Decode base64, of URLs or not, padded or not; "" if it is none."""
    padded = encoded.replace("-", "+").replace("_", "/") + "=" * (-len(encoded) % 4)
    try:
        return b64decode(padded, validate=True).decode()
    except ValueError:
        return ""


def helper_script(helpers: dict[str, str]) -> str:
    """Return a script that asks credential helpers, one line of JSON a registry.

    `docker-credential-NAME get` reads the server's name and writes its login
    (docker-credential-helpers).
    """
    return "\n".join(
        f"printf %s {shlex.quote(name)} | docker-credential-{shlex.quote(helper)} get"
        " | tr -d '\\n'; echo"
        for name, helper in helpers.items()
    )


def helper_login(line: bytes) -> dict[str, str]:
    """Read what a credential helper wrote; {} when it knows no login."""
    try:
        answer = read_object(line)
        user, secret = str(answer["Username"]), str(answer["Secret"])
    except (ValueError, KeyError):
        return {}
    return (
        {"IdentityToken": secret} if user == "<token>" else {"username": user, "password": secret}
    )


def refused(image: str, words: str) -> ImageCheck:
    """Return what an error about an image means; words as of registries and dockerd 20.10.

    A registry that hides what a login may not see says "denied" for missing images too.
    """
    lowered = words.lower()
    denied = any(sign in lowered for sign in _DENIED)
    missing = not denied and any(sign in lowered for sign in _MISSING)
    return ImageCheck(image=image, ok=False, denied=denied, missing=missing, words=words)


def login_missing(site: str, host: str, check: ImageCheck) -> Problem:
    """Return: the manager that took over from another cannot pull what that one could."""
    return replace(
        problem(site, check),
        what=f"{host}, through which {site} is reached now, has no login that the registry takes"
        f" for {check.image}",
        fix=f"on {host}, as the SSH user: docker login {domain(check.image)}; then"
        f" {typed('resume')}",
    )


def problem(site: str, check: ImageCheck) -> Problem:
    """Return what is wrong with an image that could not be pulled at `site`."""
    if check.denied:
        code, exit_code = "registry.login-refused", ExitCode.LOGIN_REFUSED
        what = f"the registry refuses {check.image} with the login of this manager"
        fix = f"on the manager, as the SSH user: docker login {domain(check.image)}"
    elif check.missing:
        code, exit_code = "registry.image-missing", ExitCode.SOURCE_FAILED
        what = f"there is no image {check.image}"
        fix = "push the image, or name another one in the compose file"
    else:
        code, exit_code = "registry.unreachable", ExitCode.SAFETY_REFUSED
        what = f"{check.image} could not be pulled"
        fix = f"on the manager: docker pull {check.image}"
    return Problem(
        code=code,
        what=what,
        exit_code=exit_code,
        where=Where(site=site),
        evidence=(check.words,) if check.words else (),
        fix=fix,
        runbook="service-not-healthy",
    )
