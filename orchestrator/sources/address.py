import re

_SCHEMES = ("ssh://", "https://", "file://")
_HOST = r"(?:[A-Za-z0-9][\w.-]*|\[[0-9A-Fa-f:.]+\])"
_SCP = re.compile(rf"[A-Za-z0-9._][\w.-]*@{_HOST}:[^:\s]\S*")
_HTTP_USERINFO = re.compile(r"(https?://)[^/\s'\"]*@")
_PASSWORD = re.compile(r"([a-z+]+://[^:/@\s'\"]*):[^/\s'\"]*@")

ALLOWED_PROTOCOLS = "ssh:https:file"
"""For GIT_ALLOW_PROTOCOL; `ext` and `fd` would run commands, `git` and `http` prove nothing."""


def fault(url: str) -> str:
    """Say why a repository's URL must not be given to git; "" if it may be.

    Allowed are ssh, https and file URLs and the form `user@host:path`. A leading `-` could be
    read as an option, `name::` starts a remote helper, which may run any command.
    """
    if url != url.strip() or any(ord(char) < ord(" ") for char in url):
        return "it holds blanks or control characters at its edge or within"
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
