"""The kinds of text an inventory is made of, each with its rule and how to say it right.

Everything here may reach a shell, an SSH client, git or a file path later; so a rule lists
what is allowed, never what is forbidden.
"""

import re
from collections.abc import Callable
from typing import Annotated, NoReturn

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from orchestrator.inventory import placeholders
from orchestrator.inventory.quoting import odd_characters, quoted

NAME = r"[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?"
STACK_NAME = r"[A-Za-z0-9]([A-Za-z0-9_-]{0,46}[A-Za-z0-9])?"
"""What services may begin with (swarmkit controlapi/service.go, isValidDNSName)."""
_PART = r"[A-Za-z0-9._+@~-]"
_HOST_NAME = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?"
_IPV6 = r"[0-9A-Fa-f]{0,4}(:[0-9A-Fa-f]{0,4}){2,7}"
_URL = (
    rf"(ssh|https)://([A-Za-z0-9._-]+@)?{_HOST_NAME}(:[0-9]{{1,5}})?(/{_PART}+)+/?"
    rf"|[A-Za-z0-9._]+@{_HOST_NAME}:[A-Za-z0-9._~]{_PART}*(/{_PART}+)*"
    rf"|file://(/{_PART}+)+/?"
)
_COMPOSE = r"[A-Za-z0-9_{][A-Za-z0-9._{}+@-]*(/[A-Za-z0-9_{][A-Za-z0-9._{}+@-]*)*\.ya?ml"
DURATION = r"([0-9]{1,4}h)?([0-9]{1,5}m)?([0-9]{1,6}s)?([0-9]{1,7}ms)?"
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_LONGEST_SECONDS = 86400.0
_QUICKEST_SECONDS = 0.1


def refuse(code: str, what: str, fix: str) -> NoReturn:
    """Raise what pydantic collects; `diagnostics` turns it into a problem."""
    raise PydanticCustomError(code, "{what}", {"what": what, "fix": fix})


def _rule(
    pattern: str, code: str, kind: str, fix: str, *, show: bool = True
) -> Callable[[str], str]:
    """Return a check that text matches `pattern` whole; `show` lets messages quote it."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if compiled.fullmatch(value):
            return value
        odd = odd_characters(value)
        shown = f"{quoted(value)} is no {kind}" if show else f"this is no {kind}"
        refuse(code, f"{shown}: {odd}" if odd else shown, fix)

    return check


def schema_of(pattern: str, **more: object) -> WithJsonSchema:
    """Return what the published schema says of text that matches `pattern` whole."""
    return WithJsonSchema({"type": "string", "pattern": f"^({pattern})$", **more})


def _named(kind: str) -> AfterValidator:
    fix = "use a-z, 0-9 and -, at most 48 characters, the first and last no -"
    return AfterValidator(_rule(NAME, "bad-name", f"{kind} name", fix))


SiteName = Annotated[str, _named("site"), schema_of(NAME)]
StackName = Annotated[
    str,
    AfterValidator(
        _rule(
            STACK_NAME,
            "bad-name",
            "stack name",
            "use letters, 0-9, - and _, at most 48 characters, the first and last no - or _",
        )
    ),
    schema_of(STACK_NAME),
]
_NAME_PATTERN = r"[A-Za-z0-9*?]([A-Za-z0-9*?_-]{0,46}[A-Za-z0-9*?])?"
StackPattern = Annotated[
    str,
    AfterValidator(
        _rule(
            _NAME_PATTERN,
            "bad-name",
            "pattern of stack names",
            "write a name, with * for any characters and ? for one of them: shop-*",
        )
    ),
    schema_of(_NAME_PATTERN),
]
RepoName = Annotated[str, _named("repository"), schema_of(NAME)]
GuardName = Annotated[str, _named("guard"), schema_of(NAME)]
GroupName = Annotated[str, _named("group"), schema_of(NAME)]


def _printable(value: str) -> str:
    lines = value.splitlines()
    if all(line.isprintable() for line in lines):
        return value
    refuse("bad-text", f"unprintable text: {odd_characters(value)}", "delete the character")


FreeText = Annotated[str, AfterValidator(_printable), WithJsonSchema({"type": "string"})]


def _given(value: str) -> str:
    if value.strip():
        return _printable(value)
    refuse("bad-text", "nothing is said here", "say why, for whoever meets it at night")


Reason = Annotated[str, AfterValidator(_given), schema_of(r".*\S.*")]


def _argument(value: str) -> str:
    if value and "\0" not in value and value.isprintable():
        return value
    refuse("bad-text", "this is no argument of a program", "write printable text, in one line")


Argument = Annotated[str, AfterValidator(_argument), schema_of(r".+")]

Host = Annotated[
    str,
    AfterValidator(
        _rule(
            f"{_HOST_NAME}|{_IPV6}",
            "bad-host",
            "host",
            "write a host name, an address or a Host of ~/.ssh/config, such as aux.kko "
            "(user and port have keys of their own)",
        )
    ),
    schema_of(f"{_HOST_NAME}|{_IPV6}"),
]
_USER = r"[A-Za-z_][A-Za-z0-9._-]{0,63}"
User = Annotated[
    str,
    AfterValidator(_rule(_USER, "bad-user", "user name", "write a login name, such as chime")),
    schema_of(_USER),
]
_HTTP_PATH = r"/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]{0,500}"
HttpPath = Annotated[
    str,
    AfterValidator(
        _rule(_HTTP_PATH, "bad-http-path", "HTTP path", "write a path such as /health/check")
    ),
    schema_of(_HTTP_PATH),
]
_JSON_PATH = r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){0,20}"
JsonPath = Annotated[
    str,
    AfterValidator(
        _rule(
            _JSON_PATH, "bad-json-path", "path into JSON", "write keys joined by dots: checks.api"
        )
    ),
    schema_of(_JSON_PATH),
]
_ENV_NAME = r"[A-Z_][A-Z0-9_]{0,127}"
EnvName = Annotated[
    str,
    AfterValidator(
        _rule(
            _ENV_NAME,
            "bad-env-name",
            "name of an environment variable",
            "write the variable's name, such as DTDEPLOY_ANNOUNCE_URL, and export the URL in it: "
            "the URL itself is a secret and has no place here",
            show=False,
        )
    ),
    schema_of(_ENV_NAME),
]
_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]{0,127}"
VariableName = Annotated[
    str,
    AfterValidator(
        _rule(_VARIABLE, "bad-variable", "variable name", "use letters, digits and _: SITE_NAME")
    ),
    schema_of(_VARIABLE),
]
_UNIT = rf"{NAME}@({NAME}|\{{site\}}|\{{coordinator\}})"
SecretName = Annotated[
    str,
    AfterValidator(
        _rule(
            _VARIABLE,
            "bad-variable",
            "variable name",
            "write the variable's name, such as DB_PASSWORD, and export its value",
            show=False,
        )
    ),
    schema_of(_VARIABLE),
]


def _unit(value: str) -> str:
    stack = value.partition("@")[0]
    named = stack if re.fullmatch(NAME, stack) else "stack"
    fix = (
        f"write {named}@{{site}} for the same site, {named}@{{coordinator}} for the "
        f"coordinator's, or {named}@NAME for one site's"
    )
    return _rule(_UNIT, "bad-dependency", "unit", fix)(value)


UnitName = Annotated[str, AfterValidator(_unit), schema_of(_UNIT)]


def _git_url(value: str) -> str:
    if re.fullmatch(_URL, value):
        return value
    hidden_login = re.match(r"[a-z+]+://[^/@]*:[^/@]*@", value)
    what = "this URL carries a password" if hidden_login else "this is no URL that git may be given"
    fix = (
        "take the password out: git gets it from ssh-agent or a credential helper"
        if hidden_login
        else "write ssh://git@host/owner/name, git@host:owner/name or https://host/owner/name"
    )
    refuse("bad-url", what, fix)


GitUrl = Annotated[str, AfterValidator(_git_url), schema_of(_URL)]
_REF = r"[A-Za-z0-9_]([A-Za-z0-9._/+-]{0,198}[A-Za-z0-9_+-])?"


def _git_ref(value: str) -> str:
    _rule(_REF, "bad-ref", "git ref", "write a branch, a tag or a full commit SHA: main")(value)
    if re.search(r"\.\.|//|/\.|\./|\.lock(/|$)", value):
        what = f"{quoted(value)} is no git ref (git-check-ref-format)"
        refuse("bad-ref", what, "write a branch, a tag or a full commit SHA: main")
    return value


GitRef = Annotated[str, AfterValidator(_git_ref), schema_of(_REF)]


def _braces(value: str, allowed: str) -> None:
    if not placeholders.well_formed(value):
        what = f"{quoted(value)} has a brace that belongs to no placeholder"
        refuse("bad-placeholder", what, f"write {allowed}, or no braces")


def _compose(value: str) -> str:
    if value.startswith("/"):
        what = f"{quoted(value)} is an absolute path"
        refuse("bad-path", what, f"write it relative to the repository: {value.lstrip('/')[:60]}")
    if ".." in value.split("/"):
        what = f"{quoted(value)} leaves the repository"
        refuse("bad-path", what, "write a path inside the repository, without ..")
    fix = (
        "write a path such as stacks/{site}-client.yaml (letters, digits, . _ - + @, ending .yaml)"
    )
    _rule(_COMPOSE, "bad-path", "path of a compose file", fix)(value)
    _braces(value, "{site} or {coordinator}")
    unknown = [name for name in placeholders.names(value) if name not in placeholders.RESERVED]
    if unknown:
        what = f"placeholder {quoted('{' + unknown[0] + '}')} has no single value here"
        refuse("bad-placeholder", what, "use {site} (the unit's own site) or {coordinator}")
    return value


ComposePath = Annotated[str, AfterValidator(_compose), schema_of(_COMPOSE)]
_SERVICE = r"[A-Za-z0-9{]([A-Za-z0-9_{}-]*[A-Za-z0-9}])?"


def _service(value: str) -> str:
    fix = "write the short name of the compose file, such as server or autossh_{site}"
    _rule(_SERVICE, "bad-service", "service name", fix)(value)
    _braces(value, "{site} or {GROUP}, GROUP being one of the sites' groups")
    if len(placeholders.names(value)) > 1:
        what = f"{quoted(value)} has two placeholders"
        refuse("bad-placeholder", what, "write one name a line, with one placeholder each")
    return value


ServiceName = Annotated[str, AfterValidator(_service), schema_of(_SERVICE)]


def seconds(value: object, longest: float = _LONGEST_SECONDS) -> float:
    """Return a duration in seconds; what is none or longer than `longest` is refused."""
    match = re.fullmatch(DURATION, value) if isinstance(value, str) and value else None
    if not match:
        shown = quoted(str(value)) if isinstance(value, str | int | float) else "this"
        refuse("bad-duration", f"{shown} is no duration", 'write "30s", "5m", "1m30s" or "500ms"')
    parts = re.findall(r"([0-9]+)(ms|h|m|s)", match[0])
    total = sum(int(amount) * _SECONDS[unit] for amount, unit in parts)
    if not 0 < total <= longest:
        most = f"{longest / _SECONDS['h']:g}h" if longest >= _SECONDS["h"] else f"{longest:g}s"
        fix = f'stay between "1ms" and "{most}"'
        refuse("bad-duration", f"{quoted(match[0])} is out of range", fix)
    return total


Duration = Annotated[float, BeforeValidator(seconds), schema_of(DURATION, examples=["30s", "5m"])]


def _pace(value: object) -> float:
    pause = seconds(value)
    if pause < _QUICKEST_SECONDS:
        refuse("bad-duration", f"{quoted(str(value))} is too often", 'write at least "100ms"')
    return pause


Pace = Annotated[float, BeforeValidator(_pace), schema_of(DURATION, examples=["500ms", "1s"])]
Port = Annotated[int, Field(ge=1, le=65535)]
