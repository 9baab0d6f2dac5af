"""Commands as pages show them, parsed as they would be if they were typed, and not run."""

import re
import shlex
from collections.abc import Iterator, Sequence

import click

from tests.docs.pages import blocks, prose, spans

_PROMPT = re.compile(r"^\s*(?:\$ )?(?:sudo )?(?:\.venv/bin/)?")
_CONTINUED = re.compile(r" *\\\n *")
_SUBSTITUTED = re.compile(r"\$\(((?:dtdeploy|python -m lab) [^()]*)\)")


def lines_of(text: str) -> Iterator[str]:
    """Yield every line of code: of fenced blocks, of indented ones, and what is in backquotes.

    A line that a backslash continues counts as one.
    """
    whole = _CONTINUED.sub(" ", text)
    for block in blocks(whole):
        yield from block.body.splitlines()
    yield from (line for line in prose(whole).splitlines() if line.startswith("    "))
    yield from spans(whole)


def commands(text: str, program: str) -> tuple[tuple[str, ...], ...]:
    """Return the arguments of every command line of `program`; the bare name is no command."""
    typed = [part for line in lines_of(text) for part in _parts(line)]
    begin = f"{program} "
    found = (tuple(_words(part.removeprefix(begin))) for part in typed if part.startswith(begin))
    return tuple(dict.fromkeys(found))


def _parts(line: str) -> tuple[str, ...]:
    """Return the line as typed, and what it substitutes."""
    return (_PROMPT.sub("", line), *_SUBSTITUTED.findall(line))


def _words(typed: str) -> list[str]:
    words = shlex.split(typed, comments=True)
    ends = [index for index, word in enumerate(words) if word in {"|", "&&", ";", ">", ">>"}]
    return words[: min(ends, default=len(words))]


def parse(root: click.Command, words: Sequence[str]) -> click.Context:
    """Find the command that `words` mean and parse its options; nothing is run.

    Raises:
        click.UsageError: there is no such command or option, or a value is none.

    """
    context = click.Context(root, info_name="program")
    command, rest = root, list(words)
    while isinstance(command, click.Group):
        _, rest, _ = command.make_parser(context).parse_args(rest)
        if not rest:
            return context
        name, found, rest = command.resolve_command(context, rest)
        if found is None:
            raise click.UsageError(f"no such command: {name}")
        command = found
        if not isinstance(command, click.Group):
            try:
                return command.make_context(name, rest, parent=context)
            except click.exceptions.Exit:
                return context
        context = click.Context(command, info_name=name, parent=context)
    raise TypeError("the root is no group")
