"""A git server over SSH that answers to the name github.com."""

from pathlib import Path

from lab import hosts, paths
from lab.daemons import sshd
from lab.topology import GIT

# Like GitHub: any case, with or without .git, one command, and a word for the curious.
_SERVE = """\
#!/bin/bash
set -u
if [[ ! ${{SSH_ORIGINAL_COMMAND:-}} =~ ^git[-\\ ]upload-pack\\ \\'/?([A-Za-z0-9_./-]+)\\'$ ]]; then
    echo "Hi! You've successfully authenticated, but GitHub does not provide shell access." >&2
    exit 1
fi
name=${{BASH_REMATCH[1],,}}
repo={repos}/${{name%.git}}.git
if [[ $name == *..* || ! -d $repo ]]; then
    echo "ERROR: Repository not found." >&2
    exit 1
fi
exec git-upload-pack --strict "$repo"
"""


def repos() -> Path:
    """Where the bare repositories are."""
    return paths.folder() / "git"


def configure() -> None:
    """Write the server's configuration and the user that serves the repositories."""
    folder = paths.host_folder(GIT.name)
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "serve"
    script.write_text(_SERVE.format(repos=repos()))
    script.chmod(0o755)
    sshd.configure(GIT, force_command=script)
    # `git` is root here under another name: it owns the repositories, and git trusts owners only.
    users = Path("/etc/passwd").read_text() + "git:x:0:0:git:/root:/bin/bash\n"
    etc = folder / "etc"
    etc.mkdir(exist_ok=True)
    (etc / "passwd").write_text(users)


def start() -> None:
    """Serve."""
    sshd.start(GIT)


def stop() -> None:
    """End it: connections are refused."""
    sshd.stop(GIT)


def is_up() -> bool:
    """Whether the server is there."""
    return bool(hosts.pids(GIT, "sshd"))
