"""The command `drill`: break a small system in a temporary folder, and print its reaction."""

import json
from dataclasses import asdict
from importlib import import_module
from typing import Final

import click

from financial_pipeline.cli.options import json_option
from financial_pipeline.errors import PipelineError

# Imported only if the command is used.
MODULES: Final = ("inputs", "damage", "runs")


@click.command()
@click.argument("name", required=False)
@click.option("--list", "is_list", is_flag=True, help="Print the drills; none is run.")
@json_option
def drill(name: str | None, is_list: bool, as_json: bool) -> None:
    """Break a small system in a temporary folder, and compare what it does with what is promised.

    Without NAME every drill is run. No data root is read or changed. The exit code is 1 if a drill
    observed anything else than it expected.
    """
    modules = [import_module(f"financial_pipeline.drills.{each}") for each in MODULES]
    drills = {each.name: each for module in modules for each in module.DRILLS}
    run = import_module("financial_pipeline.drills.drill").run
    if name is not None and name not in drills:
        raise PipelineError(f"There is no drill {name}; choose one of {', '.join(drills)}.")
    if is_list:
        for each in drills.values():
            click.echo(f"{each.name:<22} {each.breaks}")
        return
    results = []
    for each in drills.values() if name is None else [drills[name]]:
        result = run(each)
        results.append(result)
        if not as_json:
            click.echo(
                f"{'ok' if result.passed else 'FAILED':<7}{each.name:<22}{result.seconds:6} s"
            )
            click.echo(f"       breaks    {result.breaks}")
            click.echo(f"       expected  {result.expected}")
            click.echo(f"       observed  {result.observed}")
    if as_json:
        click.echo(json.dumps([asdict(result) for result in results], indent=1))
    if failed := [result.name for result in results if not result.passed]:
        raise PipelineError(f"{len(failed)} of {len(results)} drills failed: {', '.join(failed)}.")
