from importlib.resources import files

import click

from orchestrator.errors import ExitCode


@click.command("look-script")
def look_script() -> int:
    """Print dtdeploy-look, the program of logins that may only look.

    It is installed on a manager and named as the forced command of a key, see docs/look-only.md.

    \b
      dtdeploy look-script > dtdeploy-look
      scp dtdeploy-look MANAGER:
      ssh MANAGER sudo install -o root -m 755 dtdeploy-look /usr/local/bin/dtdeploy-look
    """
    text = (files("orchestrator.swarm") / "dtdeploy_look.py").read_text("utf-8")
    click.echo(text, nl=False)
    return ExitCode.DONE
