import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.fleet.desired import PublishedPort
from orchestrator.sources.ports import short


def tcp(*ports: int) -> tuple[PublishedPort, ...]:
    return tuple(PublishedPort(port=port) for port in ports)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8001:80", tcp(8001)),
        ("080:80", tcp(80)),
        ("127.0.0.1:5:6", tcp(5)),
        ("[::1]:7:8", tcp(7)),
        ("8000-8002:80", tcp(8000, 8001, 8002)),
        ("80-81:90-91", tcp(80, 81)),
        ("80:80/", tcp(80)),
        ("80:80/TCP", tcp(80)),
        ("90:90/udp", (PublishedPort(port=90, protocol="udp"),)),
        ("11:12/sctp", (PublishedPort(port=11, protocol="sctp"),)),
        ("80", ()),
        ("80-90", ()),
        ("0:80", ()),
        (":80", ()),
        ("1.2.3.4::80", ()),
        ("127.0.0.1:0:80", ()),
    ],
)
def test_reads_what_docker_publishes(text: str, expected: tuple[PublishedPort, ...]) -> None:
    """Each was measured with `docker stack config` of docker/cli 28.2.2."""
    assert short(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "80:",
        "a:80:80",
        "1.2.3.4:80",
        "70000:80",
        "80:80/foo",
        "90-80:80",
        "80 :80",
        "80:80-81",
        "80-83:80-81",
        "h:1-2:3-4",
        "80/tcp/udp",
        "\u0661:80",
    ],
)
def test_refuses_what_docker_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="is no port"):
        short(text)


@given(st.text("0123456789-:/[].tcpud", max_size=20))
def test_finds_ports_in_range_or_refuses(text: str) -> None:
    try:
        ports = short(text)
    except ValueError:
        return

    assert all(0 < port.port <= 65535 for port in ports)
