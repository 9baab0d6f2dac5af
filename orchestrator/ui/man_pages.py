"""Man pages, from what --help is made of."""

from collections.abc import Iterator
from inspect import cleandoc

import click
from click_man.man import ManPage  # type: ignore[import-untyped]  # it ships no types

_KEPT = "\b"
"""click's own mark: the lines of this paragraph are not to be joined."""


def man_pages(root: click.Context, version: str) -> Iterator[tuple[str, str]]:
    """Yield name and text of a page for a command and each one below it.

    Args:
        root: of the command; its name is that of the page.
        version: of the program.

    """
    command = root.command
    yield root.command_path.replace(" ", "-"), _page(root, version)
    if isinstance(command, click.Group):
        for name in command.list_commands(root):
            below = command.get_command(root, name)
            if below is not None:
                yield from man_pages(click.Context(below, info_name=name, parent=root), version)


def _page(context: click.Context, version: str) -> str:
    command = context.command
    page = ManPage(context.command_path)
    page.version = version
    # The library's default is the clock: the same program makes the same pages.
    page.date = ""
    page.short_help = _escaped(command.get_short_help_str(100))
    page.synopsis = " ".join(command.collect_usage_pieces(context))
    about = [command.help or "", command.epilog or ""]
    page.description = "\n".join(line for text in about for line in _paragraphs(text))
    options = (p for p in command.get_params(context) if isinstance(p, click.Option))
    records = (option.get_help_record(context) for option in options)
    page.options = [(name, _escaped(words)) for name, words in filter(None, records)]
    if isinstance(command, click.Group):
        page.commands = [
            (name, _escaped(below.get_short_help_str(100)))
            for name in command.list_commands(context)
            if (below := command.get_command(context, name)) is not None
        ]
    return str(page)


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in filter(None, cleandoc(text).split("\n\n")):
        lines = paragraph.splitlines()
        kept = lines[0].strip() == _KEPT
        yield ".PP"
        yield from [".nf"] if kept else []
        yield from (_escaped(line) for line in lines[kept:])
        yield from [".fi"] if kept else []


def _escaped(words: str) -> str:
    """Return text that troff takes as it is: a backslash, or a dot in front, means something."""
    fit = words.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{fit}" if fit.startswith((".", "'")) else fit
