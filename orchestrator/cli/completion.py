import click
from click.shell_completion import get_completion_class

from orchestrator.errors import ExitCode


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the completion script of a shell; it knows sites, stacks and units.

    \b
      bash:  eval "$(dtdeploy completion bash)"          in ~/.bashrc
      zsh:   eval "$(dtdeploy completion zsh)"           in ~/.zshrc
      fish:  dtdeploy completion fish > ~/.config/fish/completions/dtdeploy.fish
    """
    root = click.get_current_context().find_root().command
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"there is no completion for {shell}")
    click.echo(kind(root, {}, "dtdeploy", "_DTDEPLOY_COMPLETE").source())
    return ExitCode.DONE
