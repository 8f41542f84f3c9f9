"""The command `completion`: the script by which a shell completes commands and options."""

from typing import Final

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

PROGRAM: Final = "financial-pipeline"
# Click answers the shell if this variable is set.
VARIABLE: Final = "_FINANCIAL_PIPELINE_COMPLETE"
SHELLS: Final[dict[str, type[ShellComplete]]] = {
    "bash": BashComplete,
    "zsh": ZshComplete,
    "fish": FishComplete,
}


@click.command()
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that makes a SHELL complete commands, options and kept versions on Tab.

    \b
    bash: eval "$(financial-pipeline completion bash)"   # in ~/.bashrc
    zsh:  eval "$(financial-pipeline completion zsh)"    # in ~/.zshrc
    fish: financial-pipeline completion fish | source    # in config.fish
    """
    script = SHELLS[shell](context.find_root().command, {}, PROGRAM, VARIABLE)
    click.echo(script.source())
