import subprocess
from collections.abc import Mapping
from pathlib import Path

from orchestrator.inventory.model import Repo

Content = str | bytes


class Origin:
    """A real git repository that plays the remote."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], object_format: str = "sha1"
    ) -> None:
        self.folder = folder
        self._environment = environment
        folder.mkdir()
        made_with = f"--object-format={object_format}"
        self.git("init", "--quiet", "--initial-branch=main", made_with)

    @property
    def repo(self) -> Repo:
        return Repo(name=self.folder.name, url=f"file://{self.folder}", ref="main")

    def git(self, *words: str) -> str:
        return subprocess.run(
            ["git", *words],
            cwd=self.folder,
            env=self._environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    def write(self, path: str, content: Content) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def commit(self, files: Mapping[str, Content] | None = None, message: str = "change") -> str:
        for path, content in (files or {}).items():
            self.write(path, content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")
