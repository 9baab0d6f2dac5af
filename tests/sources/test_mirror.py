import os
import shlex
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from orchestrator.errors import ExitCode, Problem, SourceError
from orchestrator.inventory.model import Repo
from orchestrator.sources.child import MOST_BYTES
from orchestrator.sources.lock import held
from orchestrator.sources.mirror import FetchResult, fetch_all, fetched_at, mirror_path
from orchestrator.sources.pin import pin
from orchestrator.sources.repository import ssh_command
from tests.sources.locked import PASSWORD, USER, Locked, served
from tests.sources.origin import Origin

Environment = dict[str, str]


def fetch(
    *repos: Repo, cache: Path, environment: Environment, seconds: float = 20.0
) -> tuple[FetchResult, ...]:
    return fetch_all(
        repos, cache, deadline_seconds=seconds, environment=environment, workers=len(repos)
    )


def failure(
    *repos: Repo, cache: Path, environment: Environment, seconds: float = 20.0
) -> tuple[Problem, ...]:
    with pytest.raises(SourceError) as caught:
        fetch(*repos, cache=cache, environment=environment, seconds=seconds)
    return caught.value.problems


@pytest.fixture
def silent() -> Iterator[int]:
    """Offer a port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


class TestAHealthyRemote:
    def test_is_mirrored_bare_with_branches_and_tags(
        self, origin: Origin, cache: Path, environment: Environment
    ) -> None:
        sha = origin.commit({"a": "1"})
        origin.git("tag", "v1")

        [result] = fetch(origin.repo, cache=cache, environment=environment)

        assert result == FetchResult(repo=origin.repo, mirror=mirror_path(origin.repo, cache))
        assert (result.mirror / "HEAD").is_file()
        assert {pin(origin.repo, result.mirror, ref).sha for ref in ("main", "v1")} == {sha}

    def test_may_name_its_commits_by_sha_256(
        self, tmp_path: Path, cache: Path, environment: Environment
    ) -> None:
        origin = Origin(tmp_path / "newer", environment, "sha256")
        first = origin.commit({"a": "1"})
        [result] = fetch(origin.repo, cache=cache, environment=environment)
        assert pin(origin.repo, result.mirror, "main").sha == first
        assert len(first) == 64
        second = origin.commit({"a": "2"})
        [result] = fetch(origin.repo, cache=cache, environment=environment)
        assert pin(origin.repo, result.mirror, second).sha == second

    def test_may_be_a_clone_of_little_depth(
        self, origin: Origin, tmp_path: Path, cache: Path, environment: Environment
    ) -> None:
        origin.commit({"a": "1"})
        sha = origin.commit({"a": "2"})
        shallow = tmp_path / "shallow"
        origin.git("clone", "--quiet", "--depth=1", origin.repo.url, str(shallow))
        repo = Repo(name="shallow", url=f"file://{shallow}", ref="main")
        [result] = fetch(repo, cache=cache, environment=environment)
        assert pin(repo, result.mirror, "main").sha == sha

    def test_tells_when_it_was_fetched(
        self, origin: Origin, cache: Path, environment: Environment
    ) -> None:
        origin.commit({"a": "1"})
        mirror = mirror_path(origin.repo, cache)
        assert fetched_at(mirror) is None
        fetch(origin.repo, cache=cache, environment=environment)
        first = fetched_at(mirror)
        assert first is not None
        os.utime(mirror / "dtdeploy-fetched", (1.0, 1.0))
        assert fetched_at(mirror) == 1.0
        fetch(origin.repo, cache=cache, environment=environment)
        assert (fetched_at(mirror) or 0.0) >= first

    def test_is_followed_when_it_moves(
        self, origin: Origin, cache: Path, environment: Environment
    ) -> None:
        origin.commit({"a": "1"})
        fetch(origin.repo, cache=cache, environment=environment)
        newer = origin.commit({"a": "2"})

        [result] = fetch(origin.repo, cache=cache, environment=environment)

        assert pin(origin.repo, result.mirror, "main").sha == newer

    def test_may_force_push_and_the_old_commit_stays_readable(
        self, origin: Origin, cache: Path, environment: Environment
    ) -> None:
        base = origin.commit({"a": "1"})
        lost = origin.commit({"a": "2"})
        fetch(origin.repo, cache=cache, environment=environment)
        origin.git("reset", "--quiet", "--hard", base)
        forced = origin.commit({"a": "3"})

        [result] = fetch(origin.repo, cache=cache, environment=environment)

        assert pin(origin.repo, result.mirror, "main").sha == forced
        assert pin(origin.repo, result.mirror, lost).sha == lost

    def test_may_move_a_tag_and_drop_a_branch(
        self, origin: Origin, cache: Path, environment: Environment
    ) -> None:
        origin.commit({"a": "1"})
        origin.git("tag", "v1")
        origin.git("branch", "old")
        fetch(origin.repo, cache=cache, environment=environment)
        newer = origin.commit({"a": "2"})
        origin.git("tag", "--force", "v1")
        origin.git("branch", "--delete", "--force", "old")

        [result] = fetch(origin.repo, cache=cache, environment=environment)

        assert pin(origin.repo, result.mirror, "v1").sha == newer
        with pytest.raises(SourceError):
            pin(origin.repo, result.mirror, "old")

    def test_may_have_a_detached_head_and_local_changes(
        self, origin: Origin, cache: Path, environment: Environment
    ) -> None:
        sha = origin.commit({"a": "1"})
        origin.git("checkout", "--quiet", "--detach")
        origin.commit({"a": "not on any branch"})
        origin.write("a", "not committed")

        [result] = fetch(origin.repo, cache=cache, environment=environment)

        assert pin(origin.repo, result.mirror, "main").sha == sha

    def test_may_be_empty(self, origin: Origin, cache: Path, environment: Environment) -> None:
        [result] = fetch(origin.repo, cache=cache, environment=environment)

        assert result.mirror.is_dir()

    def test_is_reached_though_git_dir_points_elsewhere(
        self,
        origin: Origin,
        tmp_path: Path,
        cache: Path,
        environment: Environment,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """As in a git hook."""
        sha = origin.commit({"a": "1"})
        other = Origin(tmp_path / "other", environment)
        monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))

        [result] = fetch(origin.repo, cache=cache, environment=environment)

        assert pin(origin.repo, result.mirror, "main").sha == sha
        assert other.git("for-each-ref") == ""

    def test_several_are_answered_in_the_order_asked(
        self, tmp_path: Path, cache: Path, environment: Environment
    ) -> None:
        origins = [Origin(tmp_path / name, environment) for name in ("c", "a", "b")]
        for origin in origins:
            origin.commit({"a": origin.folder.name})

        results = fetch(*(o.repo for o in origins), cache=cache, environment=environment)

        assert [result.repo.name for result in results] == ["c", "a", "b"]


class TestADamagedMirror:
    @pytest.mark.parametrize(
        "wreck",
        [
            pytest.param("HEAD", id="no HEAD"),
            pytest.param("objects", id="no objects"),
            pytest.param("config", id="no config"),
            pytest.param("refs", id="no refs"),
        ],
    )
    def test_that_lacks_a_part_is_made_anew(
        self, wreck: str, origin: Origin, cache: Path, environment: Environment
    ) -> None:
        sha = origin.commit({"a": "1"})
        [result] = fetch(origin.repo, cache=cache, environment=environment)
        (result.mirror / wreck).rename(result.mirror / "gone")

        fetch(origin.repo, cache=cache, environment=environment)

        assert pin(origin.repo, result.mirror, "main").sha == sha

    def test_with_a_rotten_object_is_made_anew(
        self, origin: Origin, cache: Path, environment: Environment
    ) -> None:
        sha = origin.commit({"a": "1"})
        [result] = fetch(origin.repo, cache=cache, environment=environment)
        for thing in result.mirror.glob("objects/**/*"):
            if thing.is_file():
                thing.chmod(0o600)
                thing.write_bytes(b"")

        fetch(origin.repo, cache=cache, environment=environment)

        assert pin(origin.repo, result.mirror, "main").sha == sha

    def test_that_a_killed_git_left_locked_is_used_on(
        self, origin: Origin, cache: Path, environment: Environment
    ) -> None:
        origin.commit({"a": "1"})
        [result] = fetch(origin.repo, cache=cache, environment=environment)
        newer = origin.commit({"a": "2"})
        for lock in ("refs/heads/main.lock", "packed-refs.lock", "HEAD.lock", "config.lock"):
            (result.mirror / lock).touch()

        fetch(origin.repo, cache=cache, environment=environment)

        assert pin(origin.repo, result.mirror, "main").sha == newer

    def test_is_kept_when_only_the_remote_is_gone(
        self, origin: Origin, cache: Path, environment: Environment
    ) -> None:
        sha = origin.commit({"a": "1"})
        [result] = fetch(origin.repo, cache=cache, environment=environment)
        origin.folder.rename(origin.folder.with_name("moved"))

        failure(origin.repo, cache=cache, environment=environment)

        assert pin(origin.repo, result.mirror, "main").sha == sha


class TestARemoteThatFails:
    def test_is_told_in_gits_own_words(self, cache: Path, environment: Environment) -> None:
        repo = Repo(name="datatrail", url="file:///nowhere/datatrail", ref="main")

        [problem] = failure(repo, cache=cache, environment=environment)

        assert (problem.code, problem.exit_code) == (
            "source.fetch-failed",
            ExitCode.SOURCE_FAILED,
        )
        assert "'/nowhere/datatrail' does not appear to be a git repository" in problem.evidence[0]
        assert problem.fix == "git ls-remote file:///nowhere/datatrail"

    def test_is_told_together_with_all_others(
        self, origin: Origin, cache: Path, environment: Environment, silent: int
    ) -> None:
        origin.commit({"a": "1"})
        refused = Repo(name="refused", url="ssh://git@127.0.0.1:1/x", ref="main")
        hanging = Repo(name="hanging", url=f"https://127.0.0.1:{silent}/x", ref="main")
        odd = Repo(name="odd", url="ext::sh -c 'touch /tmp/odd'", ref="main")

        problems = failure(
            refused, origin.repo, hanging, odd, cache=cache, environment=environment, seconds=2
        )

        assert [(problem.code, problem.exit_code) for problem in problems] == [
            ("source.fetch-failed", ExitCode.SOURCE_FAILED),
            ("source.fetch-timeout", ExitCode.SOURCE_FAILED),
            ("source.bad-url", ExitCode.INVENTORY_INVALID),
        ]
        assert "Connection refused" in problems[0].evidence[0]

    def test_shows_no_password(self, cache: Path, environment: Environment) -> None:
        repo = Repo(name="x", url="https://me:hunter2@127.0.0.1:1/x", ref="main")

        [problem] = failure(repo, cache=cache, environment=environment)

        assert "hunter2" not in repr(problem)
        assert "https://127.0.0.1:1/x" in problem.what

    @pytest.mark.parametrize("url", ["-x", "ext::sh -c true", "git@-x:y"])
    def test_is_never_contacted_under_a_dangerous_url(
        self, url: str, cache: Path, environment: Environment
    ) -> None:
        [problem] = failure(
            Repo(name="x", url=url, ref="main"), cache=cache, environment=environment
        )

        assert problem.code == "source.bad-url"
        assert list(cache.iterdir()) == []

    def test_cannot_be_rewritten_into_a_helper_by_the_operators_own_settings(
        self, tmp_path: Path, cache: Path, environment: Environment
    ) -> None:
        settings = tmp_path / "gitconfig"
        settings.write_text(
            f'[url "ext::touch {tmp_path}/ran "]\n insteadOf = https://there/\n'
            '[protocol "ext"]\n allow = always\n'
        )
        environment["GIT_CONFIG_GLOBAL"] = str(settings)

        [problem] = failure(
            Repo(name="x", url="https://there/x", ref="main"), cache=cache, environment=environment
        )

        assert "transport 'ext' not allowed" in problem.evidence[0]
        assert not (tmp_path / "ran").exists()


class TestARemoteThatAsksForALogin:
    """GIT_TRACE writes down the command line of each process that git starts."""

    @pytest.fixture
    def trace(self, tmp_path: Path, environment: Environment) -> Path:
        environment["GIT_TRACE"] = str(tmp_path / "trace")
        return tmp_path / "trace"

    @pytest.fixture
    def locked(
        self, origin: Origin, tmp_path: Path, environment: Environment
    ) -> Iterator[tuple[Locked, str]]:
        sha = origin.commit({"a": "1"})
        served_folder = tmp_path / "served"
        origin.git("clone", "--quiet", "--bare", str(origin.folder), str(served_folder / "x"))
        origin.git("--git-dir", str(served_folder / "x"), "update-server-info")
        with served(served_folder, tmp_path) as server:
            environment["GIT_SSL_CAINFO"] = str(server.certificate)
            yield server, sha

    @staticmethod
    def url(server: Locked, *login: str) -> str:
        return (
            f"https://{':'.join(quote(part, safe='') for part in login)}@127.0.0.1:{server.port}/x"
        )

    @staticmethod
    def shown_in(trace: Path, cache: Path) -> set[str]:
        read = trace.read_text() + "".join(
            file.read_text(errors="replace") for file in cache.rglob("*") if file.is_file()
        )
        forms = {part for whole in (USER, PASSWORD) for part in (whole, quote(whole, safe=""))}
        return {form for form in forms if form in read}

    def test_is_given_the_one_in_the_url_which_no_command_line_shows(
        self, locked: tuple[Locked, str], trace: Path, cache: Path, environment: Environment
    ) -> None:
        server, sha = locked
        repo = Repo(name="x", url=self.url(server, USER, PASSWORD), ref="main")
        [result] = fetch(repo, cache=cache, environment=environment)
        assert pin(repo, result.mirror, "main").sha == sha
        assert set(server.logins) == {(USER, PASSWORD)}
        assert f"https://127.0.0.1:{server.port}/x" in trace.read_text()
        assert self.shown_in(trace, cache) == set()

    def test_has_the_operators_own_helper_asked_for_the_password_of_a_user(
        self,
        locked: tuple[Locked, str],
        tmp_path: Path,
        trace: Path,
        cache: Path,
        environment: Environment,
    ) -> None:
        server, sha = locked
        helper, asked = tmp_path / "helper", tmp_path / "asked"
        helper.write_text(f"#!/bin/sh\ncat > {asked}\necho 'password={PASSWORD}'\n")
        helper.chmod(0o700)
        environment |= {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "credential.helper",
            "GIT_CONFIG_VALUE_0": str(helper),
        }
        repo = Repo(name="x", url=self.url(server, USER), ref="main")
        [result] = fetch(repo, cache=cache, environment=environment)
        assert pin(repo, result.mirror, "main").sha == sha
        assert f"username={USER}\n" in asked.read_text()
        assert self.shown_in(trace, cache) == set()

    @pytest.mark.parametrize("login", [(USER,), (USER, "wrong"), ("", ""), (USER, "")])
    def test_is_asked_once_and_nobody_is_shown_who_was_refused(
        self,
        locked: tuple[Locked, str],
        login: tuple[str, ...],
        trace: Path,
        cache: Path,
        environment: Environment,
    ) -> None:
        server, _ = locked
        repo = Repo(name="x", url=self.url(server, *login), ref="main")
        [problem] = failure(repo, cache=cache, environment=environment)
        assert problem.code == "source.fetch-failed"
        assert USER not in repr(problem)
        assert quote(USER, safe="") not in repr(problem)
        assert self.shown_in(trace, cache) == set()


class TestARemoteThatHangs:
    def test_is_given_up_when_it_makes_git_write_without_an_end(
        self, tmp_path: Path, cache: Path, environment: Environment
    ) -> None:
        fake = tmp_path / "bin/git"
        fake.parent.mkdir()
        fake.write_text("#!/bin/sh\nexec yes 'remote: buy now' >&2\n")
        fake.chmod(0o700)
        environment["PATH"] = f"{fake.parent}:{environment['PATH']}"
        repo = Repo(name="x", url="https://127.0.0.1:1/x", ref="main")

        [problem] = failure(repo, cache=cache, environment=environment)

        assert problem.code == "source.fetch-failed"
        assert problem.evidence == (f"git was killed: it wrote more than {MOST_BYTES} bytes",)

    def test_is_given_up_at_the_deadline(
        self, cache: Path, environment: Environment, silent: int
    ) -> None:
        repo = Repo(name="x", url=f"https://127.0.0.1:{silent}/x", ref="main")
        began = time.monotonic()

        [problem] = failure(repo, cache=cache, environment=environment, seconds=1)

        assert (problem.code, problem.exit_code) == (
            "source.fetch-timeout",
            ExitCode.SOURCE_FAILED,
        )
        assert time.monotonic() - began < 10

    def test_leaves_no_ssh_behind(
        self, tmp_path: Path, cache: Path, environment: Environment
    ) -> None:
        pids = tmp_path / "pids"
        ssh = tmp_path / "ssh"
        ssh.write_text(f"#!/bin/sh\necho $$ >> {shlex.quote(str(pids))}\nexec sleep 600\n")
        ssh.chmod(0o755)
        environment["GIT_SSH_COMMAND"] = shlex.quote(str(ssh))
        repo = Repo(name="x", url="ssh://git@example.org/x", ref="main")

        [problem] = failure(repo, cache=cache, environment=environment, seconds=1)

        assert problem.code == "source.fetch-timeout"
        started = [int(pid) for pid in pids.read_text().split()]
        assert started
        ends = time.monotonic() + 10
        while any(_runs(pid) for pid in started) and time.monotonic() < ends:
            time.sleep(0.01)
        assert not any(_runs(pid) for pid in started)

    def test_does_not_wait_for_another_fetch_beyond_the_deadline(
        self, origin: Origin, cache: Path, environment: Environment
    ) -> None:
        origin.commit({"a": "1"})
        cache.mkdir()
        lock = mirror_path(origin.repo, cache).with_suffix(".lock")

        with held(lock, seconds=1):
            [problem] = failure(origin.repo, cache=cache, environment=environment, seconds=0.3)

        assert problem.code == "source.mirror-busy"
        assert str(lock) in problem.fix


def _runs(pid: int) -> bool:
    """Whether a process is there and no zombie (one waits for its parent to look)."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class TestSsh:
    @pytest.fixture
    def said(self, tmp_path: Path, environment: Environment) -> Path:
        """Play ssh with a script that notes its arguments and refuses."""
        noted = tmp_path / "arguments"
        ssh = tmp_path / "my ssh"
        ssh.write_text(f'#!/bin/sh\necho "$@" >> {shlex.quote(str(noted))}\nexit 255\n')
        ssh.chmod(0o755)
        environment["GIT_SSH_COMMAND"] = f"{shlex.quote(str(ssh))} -o StrictHostKeyChecking=no"
        return noted

    def test_never_asks_and_never_takes_an_unknown_host(
        self, said: Path, cache: Path, environment: Environment
    ) -> None:
        """Ssh takes the first value it is given for an option."""
        repo = Repo(name="x", url="ssh://git@example.org/x", ref="main")

        failure(repo, cache=cache, environment=environment)

        arguments = said.read_text().splitlines()[-1]
        assert arguments.startswith(
            "-oBatchMode=yes -oStrictHostKeyChecking=yes -oConnectTimeout=10 -oControlMaster=no"
        )

    def test_connects_no_longer_than_the_whole_may_take(
        self, said: Path, cache: Path, environment: Environment
    ) -> None:
        repo = Repo(name="x", url="ssh://git@example.org/x", ref="main")

        failure(repo, cache=cache, environment=environment, seconds=3)

        assert "-oConnectTimeout=3" in said.read_text()

    def test_keeps_the_operators_own_setting(
        self, said: Path, cache: Path, environment: Environment, tmp_path: Path
    ) -> None:
        settings = tmp_path / "gitconfig"
        command = environment.pop("GIT_SSH_COMMAND").replace("StrictHostKeyChecking=no", "Port=7")
        settings.write_text(f"[core]\n sshCommand = {command}\n")
        environment["GIT_CONFIG_GLOBAL"] = str(settings)
        repo = Repo(name="x", url="ssh://git@example.org/x", ref="main")

        failure(repo, cache=cache, environment=environment)

        assert "-oBatchMode=yes" in said.read_text()
        assert "-o Port=7" in said.read_text()

    @pytest.mark.parametrize(
        ("given", "start", "end"),
        [
            ("ssh", "ssh -oBatchMode", "=no"),
            ("ssh -i ~/key -p 7", "ssh -oBatchMode", " -i ~/key -p 7"),
            ("  'my ssh' -v", "  'my ssh' -oBatchMode", " -v"),
            ("my\\ ssh -v", "my\\ ssh -oBatchMode", " -v"),
            ("A=b C= ssh -v", "A=b C= ssh -oBatchMode", " -v"),
        ],
    )
    def test_is_told_right_behind_its_name(self, given: str, start: str, end: str) -> None:
        command = ssh_command(given, 4.2)

        assert command.startswith(start)
        assert command.endswith(end)


class TestTheCache:
    def test_is_made_for_the_operator_alone(
        self, origin: Origin, cache: Path, environment: Environment
    ) -> None:
        origin.commit({"a": "1"})

        fetch(origin.repo, cache=cache / "deep", environment=environment)

        assert (cache / "deep").stat().st_mode & 0o777 == 0o700

    def test_that_cannot_be_made_is_told(
        self, origin: Origin, tmp_path: Path, environment: Environment
    ) -> None:
        (tmp_path / "file").touch()

        [problem] = failure(origin.repo, cache=tmp_path / "file" / "x", environment=environment)

        assert problem.code == "source.cache-unusable"
        assert "Not a directory" in problem.evidence[0]

    def test_keeps_two_urls_of_one_name_apart(self, cache: Path) -> None:
        one, two = (Repo(name="x", url=url, ref="main") for url in ("file:///a", "file:///b"))

        assert mirror_path(one, cache) != mirror_path(two, cache)


def test_without_git_says_so(
    origin: Origin, cache: Path, environment: Environment, tmp_path: Path
) -> None:
    environment["PATH"] = str(tmp_path)

    [problem] = failure(origin.repo, cache=cache, environment=environment)

    assert problem.code == "source.git-missing"
