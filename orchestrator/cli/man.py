from importlib.metadata import version
from pathlib import Path

import click

from orchestrator.command_line import joined
from orchestrator.errors import ExitCode
from orchestrator.words.foreign import clean


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def man(folder: Path) -> int:
    """Write the man pages of all commands below FOLDER; they say what --help says.

    \b
      dtdeploy man ~/.local/share/man
      man dtdeploy-restart
    """
    from orchestrator.ui.man_pages import man_pages

    below = folder / "man1"
    try:
        below.mkdir(parents=True, exist_ok=True)
        pages = dict(man_pages(click.get_current_context().find_root(), version("dtdeploy")))
        for name, text in pages.items():
            (below / f"{name}.1").write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{error.filename or below} cannot be written: {error}") from error
    shown = joined(("man", "-M", str(folder), "dtdeploy"))
    click.echo(f"{len(pages)} pages in {clean(str(below))}: {shown}", err=True)
    return ExitCode.DONE
