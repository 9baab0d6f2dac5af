"""A probe as a line for a shell: it succeeds once, or fails. See swarm/probes.py for the same."""

import json
import shlex
from typing import assert_never

from orchestrator.fleet.desired import (
    HttpProbe,
    JsonExpectation,
    PostgresProbe,
    Probe,
    TcpProbe,
    Via,
)
from orchestrator.procedures.hand_lines import at


def asked(host: str, probe: Probe) -> str:
    """Return the command that asks once, from the manager `host` or from here."""
    match probe:
        case HttpProbe():
            return _http(host, probe)
        case TcpProbe() | PostgresProbe():
            return _placed(host, probe, _connects(probe))
        case _:  # pragma: no cover - mypy proves that there is no other kind
            assert_never(probe)


def _http(host: str, probe: HttpProbe) -> str:
    """Return the command for HTTP; what is expected in the JSON is judged here, by python3."""
    url = shlex.quote(f"http://{probe.host}:{probe.port}{probe.path}")
    curl = f"curl -sS -m {probe.timeout_seconds:g}"
    if not probe.expect:
        status = f"{curl} -o /dev/null -w '%{{http_code}}' {url}"
        return _placed(host, probe, f'[ "$({status})" = {probe.status} ]')
    judged = " and ".join(f"{_value(item)} == {_literal(item.equals)}" for item in probe.expect)
    program = f"import json, sys; a = json.load(sys.stdin); sys.exit(not ({judged}))"
    asking = f"{curl} {url}" if probe.status >= _ERRORS else f"{curl} -f {url}"
    return f"{_placed(host, probe, asking)} | python3 -c {shlex.quote(program)}"


_ERRORS = 400


def _value(item: JsonExpectation) -> str:
    return "a" + "".join(f"[{_literal(part)}]" for part in item.path.split("."))


def _literal(value: object) -> str:
    """Return a Python literal; in double quotes, for all of it stands in single ones."""
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _connects(probe: TcpProbe | PostgresProbe) -> str:
    """Return what connects: only a port is asked, for Postgres too."""
    place = f"/dev/tcp/{probe.host}/{probe.port}"
    return f'timeout {probe.timeout_seconds:g} bash -c "exec 3<>{place}"'


def _placed(host: str, probe: Probe, words: str) -> str:
    return at(host, words) if probe.via is Via.MANAGER else words
