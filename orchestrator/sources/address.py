import re
from dataclasses import dataclass, field
from urllib.parse import unquote

_SCHEMES = ("ssh://", "https://", "file://")
_HOST = r"(?:[A-Za-z0-9][\w.-]*|\[[0-9A-Fa-f:.]+\])"
_SCP = re.compile(rf"[A-Za-z0-9._][\w.-]*@{_HOST}:[^:\s]\S*")
_HTTP_USERINFO = re.compile(r"(https?://)[^/\s'\"]*@")
_LOGIN = re.compile(r"(?s)https://([^/]*)@([^/@]*)(.*)")
_SSH_PASSWORD = re.compile(r"ssh://[^/@]*:[^/]*@")
_PASSWORD = re.compile(r"([a-z+]+://[^:/@\s'\"]*):[^/\s'\"]*@")

ALLOWED_PROTOCOLS = "ssh:https:file"
"""For GIT_ALLOW_PROTOCOL; `ext` and `fd` would run commands, `git` and `http` prove nothing."""


@dataclass(frozen=True, slots=True)
class Login:
    """Who git is to be at `origin`, and with which password; None where the URL holds none."""

    origin: str
    user: str = field(repr=False)
    password: str | None = field(repr=False)


def parted(url: str) -> tuple[str, Login | None]:
    """Return the URL that may stand on a command line, and the login that an https URL held.

    Whoever is on the machine reads the command lines of all its processes.
    """
    found = _LOGIN.fullmatch(url)
    if found is None:
        return url, None
    userinfo, host, path = found.groups()
    user, colon, password = userinfo.partition(":")
    login = Login(f"https://{host}", unquote(user), unquote(password) if colon else None)
    return f"https://{host}{path}", login


def fault(url: str) -> str:
    """Say why a repository's URL must not be given to git; "" if it may be.

    Allowed are ssh, https and file URLs and the form `user@host:path`. A leading `-` could be
    read as an option, `name::` starts a remote helper, which may run any command.
    """
    if url != url.strip() or any(ord(char) < ord(" ") for char in url):
        return "it holds blanks or control characters at its edge or within"
    _, login = parted(url)
    if login and not f"{login.user}{login.password}".isprintable():
        return "its user name or password holds control characters"
    if _SSH_PASSWORD.match(url):
        return "ssh takes no password from a URL, and would show it to all on this machine"
    if url.startswith("-") or "://-" in url or "@-" in url:
        return "it, or its host, starts with `-` and could be read as an option"
    if url.startswith(_SCHEMES) or _SCP.fullmatch(url):
        return ""
    return "it is none of ssh://, https://, file:// or user@host:path"


def shown(text: str) -> str:
    """Return a text fit to be shown: no passwords or tokens in the URLs within it.

    The user of an ssh URL stays, it is no secret; over https a user name can be a token.
    """
    return _PASSWORD.sub(r"\1@", _HTTP_USERINFO.sub(r"\1", text))
