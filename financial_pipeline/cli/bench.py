"""`financial-pipeline bench`: one command per module of `bench/`."""

from importlib import import_module
from pathlib import Path

import click


class _Benchmarks(click.Group):
    """The modules of `bench/`, each imported only if it is used."""

    def list_commands(self, context: click.Context) -> list[str]:
        folder = Path(__file__).parents[1] / "bench"
        return sorted(path.stem for path in folder.glob("[!_]*.py"))

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(context):
            return None
        command = getattr(import_module(f"financial_pipeline.bench.{name}"), name, None)
        return command if isinstance(command, click.Command) else None


@click.group(cls=_Benchmarks)
def bench() -> None:
    """Measure against the bare library on the same work."""
