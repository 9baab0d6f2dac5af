import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.sources.address import Login, fault, parted, shown


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
        "ssh://git:hunter2@host/x",
        "https://me%0ahost=evil@host/x",
        "https://me:hunter2%00@host/x",
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


@pytest.mark.parametrize(
    ("url", "bare", "user", "password"),
    [
        ("https://token@git.example/x", "https://git.example/x", "token", None),
        ("https://me:@git.example:8443/x", "https://git.example:8443/x", "me", ""),
        ("https://a%2Fb:p%40s@git.example", "https://git.example", "a/b", "p@s"),
        ("https://me:hun@ter:2@git.example/a@b", "https://git.example/a@b", "me", "hun@ter:2"),
        ("https://me:pw@[::1]:1/x?a=b", "https://[::1]:1/x?a=b", "me", "pw"),
    ],
)
def test_a_login_is_taken_out_of_what_stands_on_a_command_line(
    url: str, bare: str, user: str, password: str | None
) -> None:
    found, login = parted(url)
    assert found == bare
    assert login == Login(bare[: bare.index("/", 8)] if "/" in bare[8:] else bare, user, password)
    assert user not in repr(login)


@given(st.text())
def test_whatever_is_given_is_parted_without_an_error(text: str) -> None:
    assert parted(f"https://{text}")[0].startswith("https://")
