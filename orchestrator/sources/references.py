"""The files that a compose file names: whether they are there, and fit for what they are for."""

import re
from collections.abc import Iterable, Mapping

from orchestrator.sources.findings import Findings
from orchestrator.sources.model import Reference
from orchestrator.sources.tree import Entry, Files, Lost, joined, locate

MAX_BYTES = {"config": 1_024_000, "secret": 512_000, "env_file": 1_000_000}
"""A Swarm takes configs and secrets that have less than this, and more than nothing.

Of the first its own words (measured on 20.10), of the second swarmkit's MaxSecretSize.
"""

_GIT_CRYPT = b"\0GITCRYPT\0"
"""What a file begins with that only a checkout with the key shows in the clear (git-crypt)."""
_ENCRYPTED = (
    ("SOPS", re.compile(rb"ENC\[AES256_GCM,|\bsops_version=")),
    ("ansible-vault", re.compile(rb"\A\$ANSIBLE_VAULT;")),
    ("age", re.compile(rb"\A(?:age-encryption\.org/|-----BEGIN AGE ENCRYPTED FILE-----)")),
    ("PGP", re.compile(rb"\A-----BEGIN PGP MESSAGE-----")),
)
_LFS = b"version https://git-lfs.github.com/spec/"


def gather(
    references: Iterable[Reference], folder: str, files: Files, findings: Findings
) -> Mapping[str, Entry]:
    """Find every file that is referred to.

    Args:
        references: the files as the compose file names them.
        folder: the compose file's folder in the repository.
        files: the commit.
        findings: takes a problem for each file that is missing, lies outside the repository,
            or would be refused by Docker.

    Returns:
        The path Docker will open, relative to the repository's root, and the file that is to
        stand there (another one where a symbolic link leads to it).

    """
    found = {}
    for reference in references:
        path, entry = _find(reference, folder, files)
        if isinstance(entry, Lost):
            _lost(reference, path, entry, files, findings)
        else:
            _check(reference, files, entry, findings)
            found[path] = entry
    return found


def encrypted(
    references: Iterable[Reference], folder: str, files: Files, found: Mapping[str, Entry]
) -> tuple[str, ...]:
    """Name the files that are encrypted, which what runs may or may not know.

    Args:
        references: the files as the compose file names them.
        folder: the compose file's folder in the repository.
        files: the commit.
        found: what `gather` returned.

    """
    said: dict[str, None] = {}
    for reference in references:
        entry = found[joined(folder, reference.path)]
        content = files.read(entry.path)
        tool = next((name for name, form in _ENCRYPTED if form.search(content)), "")
        if tool:
            place = f"line {reference.at.line}: the {reference.kind} {entry.path}"
            said[f"{place} is encrypted by {tool}, and is deployed so"] = None
    return tuple(said)


def _find(reference: Reference, folder: str, files: Files) -> tuple[str, Entry | Lost]:
    # Docker cleans a path by its letters before it opens it (Go's filepath.Join).
    path = joined(folder, reference.path)
    if reference.path.startswith(("/", "~")):
        return path, Lost.OUTSIDE
    return path, locate(files, path)


def _lost(reference: Reference, path: str, lost: Lost, files: Files, findings: Findings) -> None:
    parent = path.rpartition("/")[0]
    beside = [child.path.rpartition("/")[2] for child in files.children(parent)]
    listed = f"{parent or '.'}/ holds: {', '.join(beside)}" if beside else ""
    findings.add(
        "file-missing",
        f"the {reference.kind} {reference.path!r} {lost.value}",
        reference.at,
        evidence=(listed,) if listed and lost is Lost.MISSING else (),
        fix=f"commit the file as {path}, or correct the path",
    )


def _check(reference: Reference, files: Files, entry: Entry, findings: Findings) -> None:
    limit = MAX_BYTES[reference.kind]
    if entry.size >= limit:
        findings.add(
            "too-large",
            f"{entry.path} has {entry.size} bytes; a {reference.kind} must have less than {limit}",
            reference.at,
        )
        return
    content = files.read(entry.path)
    if not content and reference.kind != "env_file":
        findings.add("empty-file", f"{entry.path} is empty; Docker refuses that", reference.at)
    if content.startswith(_GIT_CRYPT):
        findings.add(
            "encrypted-file",
            f"{entry.path} is encrypted by git-crypt, and would be deployed so",
            reference.at,
            fix="commit it in the clear elsewhere, or make it an external secret at the site",
        )
    if content.startswith(_LFS):
        findings.add(
            "lfs-pointer",
            f"{entry.path} is kept in Git LFS: the repository holds a pointer, not the file",
            reference.at,
            fix="commit the file itself",
        )
    if reference.kind == "env_file":
        _check_env_file(reference, entry.path, content, findings)


def _check_env_file(reference: Reference, path: str, content: bytes, findings: Findings) -> None:
    """Docker stops at a name that is empty or holds blanks, and at text that is not UTF-8."""
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        try:
            words = line.decode("utf-8").lstrip()
        except UnicodeDecodeError:
            findings.add("bad-env-file", f"{path}:{number} is not UTF-8 text", reference.at)
            continue
        name = words.partition("=")[0]
        if words.startswith("=") or (name and words[0] != "#" and any(map(str.isspace, name))):
            findings.add(
                "bad-env-file",
                f"{path}:{number} is neither NAME=value nor a comment",
                reference.at,
                fix="no blanks around the name",
            )
