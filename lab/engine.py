"""A small Docker Engine API client over a unix socket, with the standard library only."""

import http.client
import json
import socket
import urllib.parse
from pathlib import Path
from typing import Any

from lab.errors import LabError

API = "/v1.41"
_OK = range(200, 400)


class UnixConnection(http.client.HTTPConnection):
    """HTTP to a unix socket."""

    def __init__(self, path: Path, timeout: float | None) -> None:
        """Remember the socket; connecting happens at the first request."""
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket instead of a TCP port."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def request(
    path: Path,
    method: str,
    target: str,
    *,
    body: object = None,
    query: dict[str, object] | None = None,
    timeout: float = 30,
) -> Any:  # noqa: ANN401 - whatever JSON the engine answers
    """One call; dictionaries in the query are sent as JSON, as the engine wants them."""
    url = API + target
    if query:
        words = {
            key: json.dumps(value) if isinstance(value, dict | list) else str(value)
            for key, value in query.items()
        }
        url += "?" + urllib.parse.urlencode(words)
    connection = UnixConnection(path, timeout)
    try:
        payload = None if body is None else json.dumps(body)
        headers = {"Content-Type": "application/json"} if payload else {}
        connection.request(method, url, body=payload, headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode()
    except (OSError, http.client.HTTPException) as error:
        message = f"docker at {path} did not answer {method} {target}: {error}"
        raise LabError(message) from error
    finally:
        connection.close()
    if answer.status not in _OK:
        message = f"docker at {path} answered {answer.status} to {method} {target}: {text.strip()}"
        raise LabError(message)
    return json.loads(text) if text.startswith(("{", "[", '"')) else text
