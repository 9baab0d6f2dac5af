import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.sources.address import fault, shown


@pytest.mark.parametrize(
    "url",
    [
        "ssh://git@github.com/chimefrb/datatrail",
        "ssh://git@github.com:22/chimefrb/datatrail.git",
        "git@github.com:chimefrb/datatrail.git",
        "https://github.com/chimefrb/datatrail",
        "file:///srv/git/datatrail",
        "git@[::1]:datatrail",
    ],
)
def test_takes_ssh_https_and_files(url: str) -> None:
    assert fault(url) == ""


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ext::sh -c whoami",
        "EXT::sh -c whoami",
        "fd::17",
        "git@host::x",
        "-oProxyCommand=whoami",
        "--upload-pack=whoami",
        "ssh://-oProxyCommand=whoami/x",
        "ssh://git@-oProxyCommand=whoami/x",
        "-x@host:path",
        "git@-oProxyCommand=whoami:path",
        "git://github.com/x/y",
        "http://github.com/x/y",
        "ftp://host/x",
        "/srv/git/datatrail",
        "datatrail",
        "ssh://host/x\n--upload-pack=whoami",
        " ssh://host/x",
    ],
)
def test_refuses_whatever_could_run_something(url: str) -> None:
    assert fault(url) != ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://token@github.com/x", "https://github.com/x"),
        ("https://me:hunter2@github.com/x", "https://github.com/x"),
        ("https://me:hun@ter2@github.com/x", "https://github.com/x"),
        ("ssh://git@github.com/x", "ssh://git@github.com/x"),
        ("ssh://git:hunter2@github.com/x", "ssh://git@github.com/x"),
        ("git@github.com:x/y", "git@github.com:x/y"),
        ("https://github.com/a@b", "https://github.com/a@b"),
        (
            "fatal: unable to access 'https://me:hunter2@h/x/': no",
            "fatal: unable to access 'https://h/x/': no",
        ),
    ],
)
def test_shows_no_password(text: str, expected: str) -> None:
    assert shown(text) == expected


@given(
    st.sampled_from(["https", "ssh"]),
    st.text("abXY0123%:@-_.~", min_size=1).map(lambda text: f"s3cr3t{text}"),
)
def test_no_password_of_any_letters_survives(scheme: str, password: str) -> None:
    assert "s3cr3t" not in shown(f"said of {scheme}://me:{password}@host/x")
