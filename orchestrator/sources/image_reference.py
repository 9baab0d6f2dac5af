"""Names of images, by Docker's grammar (distribution/reference)."""

import re

_DOMAIN_PART = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_DOMAIN_PART}(?:\.{_DOMAIN_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_PATH_PART = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?P<name>(?:{_DOMAIN}/)?{_PATH_PART}(?:/{_PATH_PART})*)"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
    r"(?:@(?P<digest>sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128}))?"
)
_IDENTIFIER = re.compile("[a-f0-9]{64}")
_HUB = "docker.io/"
_LONGEST_NAME = 255


def check_image(text: str) -> None:
    """Check that `text` names an image.

    Raises:
        ValueError: it does not, in Docker's words.

    """
    if _IDENTIFIER.fullmatch(text):
        words = f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
        raise ValueError(words)
    registry, rest = _split(text)
    path = rest.partition(":")[0]
    if path.lower() != path:
        words = f"invalid reference format: repository name ({path}) must be lowercase"
        raise ValueError(words)
    found = _REFERENCE.fullmatch(f"{registry}{rest}")
    if found is None:
        words = f"invalid reference format: {text!r}"
        raise ValueError(words)
    if len(found["name"]) > _LONGEST_NAME:
        words = f"repository name must not be more than {_LONGEST_NAME} characters"
        raise ValueError(words)


def _split(text: str) -> tuple[str, str]:
    """Split off the registry and the slash behind it, Docker Hub's where none is named."""
    first, slash, rest = text.partition("/")
    is_domain = set(first) & {".", ":"} or first == "localhost" or first.lower() != first
    registry, path = (f"{first}/", rest) if slash and is_domain else (_HUB, text)
    if registry in {_HUB, f"index.{_HUB}"}:
        return _HUB, path if "/" in path else f"library/{path}"
    return registry, path
