import base64
import json

import pytest

from orchestrator.swarm.registry import (
    domain,
    expiries,
    expiry,
    helper_login,
    helper_script,
    read_logins,
    refused,
    server,
)


def auth(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.parametrize(
    ("image", "host", "kept_under"),
    [
        ("busybox", "docker.io", "https://index.docker.io/v1/"),
        ("chimefrb/x:1", "docker.io", "https://index.docker.io/v1/"),
        ("reg.lab:5000/a/b:1", "reg.lab:5000", "reg.lab:5000"),
        ("localhost/a", "localhost", "localhost"),
        ("ghcr.io/a/b@sha256:00", "ghcr.io", "ghcr.io"),
    ],
)
def test_the_registry_of_an_image(image: str, host: str, kept_under: str) -> None:
    assert (domain(image), server(image)) == (host, kept_under)


@pytest.mark.parametrize("image", ["http://x/y", "-bad-.io/x"])
def test_what_is_no_image_name(image: str) -> None:
    with pytest.raises(ValueError, match="no image name"):
        domain(image)


def test_logins_are_found_by_registry() -> None:
    auths = {"reg.lab:5000": auth("u", "p:w"), "https://index.docker.io/v1/": auth("h", "x")}
    logins = read_logins(json.dumps({"auths": auths}).encode())
    assert logins.of("reg.lab:5000/a")["password"] == "p:w"
    assert logins.of("busybox")["username"] == "h"
    assert logins.of("other.lab/a") == {}


def test_a_login_never_shows_in_a_representation() -> None:
    logins = read_logins(json.dumps({"auths": {"r.lab": auth("u", "planted")}}).encode())
    assert logins.of("r.lab/x")["password"] == "planted"
    assert "planted" not in repr(logins)
    assert auth("u", "planted")["auth"] not in repr(logins)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b'"x"', b'{"auths": 3}', b'{"auths": {"r": {"auth": "!"}}}']
)
def test_a_broken_configuration_means_no_logins(text: bytes) -> None:
    assert read_logins(text).of("r/a") == {}


def test_helpers_and_stores_are_known_by_registry() -> None:
    logins = read_logins(b'{"credsStore": "pass", "credHelpers": {"r.lab": "ecr"}}')
    assert (logins.helper("r.lab/x"), logins.helper("busybox")) == ("ecr", "pass")
    assert read_logins(b"{}").helper("busybox") == ""


def test_what_a_helper_is_asked_and_answers() -> None:
    assert "docker-credential-ecr get" in helper_script({"r.lab": "ecr"})
    line = b'{"ServerURL": "r.lab", "Username": "u", "Secret": "s"}'
    assert helper_login(line) == {"username": "u", "password": "s"}
    token = b'{"Username": "<token>", "Secret": "s"}'
    assert helper_login(token) == {"IdentityToken": "s"}
    assert helper_login(b"credentials not found in native keychain") == {}


@pytest.mark.parametrize(
    ("words", "denied", "missing"),
    [
        # As heard from dockerd 20.10 with docker-registry 2.8.
        ('Head "http://r/v2/a/manifests/latest": no basic auth credentials', True, False),
        ("unauthorized: authentication required", True, False),
        ("manifest unknown: manifest unknown", False, True),
        ("manifest for r/a:1 not found: manifest unknown: manifest unknown", False, True),
        ('Get "https://r/v2/": dial tcp 1.2.3.4:5000: connect: connection refused', False, False),
        ('Get "https://r/v2/": dial tcp: lookup r: no such host', False, False),
        # Docker Hub hides private repositories so.
        ("pull access denied for a, repository does not exist", True, False),
        ("denied: requested access to the resource is denied", True, False),
    ],
)
def test_tells_denied_missing_and_unreachable_apart(
    words: str, *, denied: bool, missing: bool
) -> None:
    check = refused("r/a:1", words)
    assert (check.ok, check.denied, check.missing) == (False, denied, missing)
    assert check.words == words


def encoded(claims: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("token", "ends"),
    [
        (f"{encoded({'alg': 'none'})}.{encoded({'exp': 1_800_000_000})}.sig", 1.8e9),
        (encoded({"payload": "x", "datakey": "y", "expiration": 1_800_000_000}), 1.8e9),
        (encoded({"sub": "x"}), None),
        (encoded([1]), None),
        (encoded({"exp": "soon"}), None),
        ("planted", None),
        ("a.b.c", None),
        ("", None),
    ],
)
def test_a_token_may_say_when_it_ends(token: str, ends: float | None) -> None:
    assert expiry(token) == ends


def test_the_first_end_of_each_login_is_known_and_nothing_else_of_it() -> None:
    early, late = encoded({"expiration": 1_700_000_000}), encoded({"expiration": 1_800_000_000})
    auths = {
        "reg.lab:5000": auth("AWS", late) | {"identitytoken": f"x.{early}.y"},
        "https://index.docker.io/v1/": {"registrytoken": late},
        "other.lab": auth("u", "planted"),
        "odd.lab": "odd",
    }
    text = json.dumps({"auths": auths}).encode()
    assert expiries(text) == (("reg.lab:5000", 1.7e9), ("index.docker.io", 1.8e9))


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"auths": 3}', b'{"auths": {"r": {}}}'])
def test_a_configuration_without_logins_says_nothing_of_their_end(text: bytes) -> None:
    assert expiries(text) == ()
