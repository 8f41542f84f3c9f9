"""Start the engines of a building command, and run the families of its plan."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Literal

import click

from financial_pipeline.paths import Paths
from financial_pipeline.settings import Settings

if TYPE_CHECKING:
    from financial_pipeline.defs.command import Outcome

Layers = Literal["all", "ingest", "transform"]
# The context's object of a command that ends its process without freeing memory.
OWN_PROCESS: Final = "own process"


def build_tables(
    settings: Settings,
    paths: Paths,
    report: Callable[[str], None],
    layers: Layers,
    analytics: bool,
    stream: bool | None,
    rebuild: bool,
) -> "Outcome":
    """Load the definitions while Java starts, build the changed assets, and publish them."""
    from financial_pipeline.defs.terminal import running

    if analytics:
        from financial_pipeline.defs.early_spark import begin_spark

        begin_spark(paths)
    with running("loading the engines"), _uncollected():  # They parse a changed dbt project.
        from financial_pipeline.definitions import defs
        from financial_pipeline.defs import runs

        loaded = defs()

    trades = None
    # Only the simulated world has trades, and they never go to the brokers of another cluster.
    if stream is not None and settings.source == "simulated" and not settings.kafka_brokers:
        from financial_pipeline.streaming.simulated_stream import SimulatedStream

        trades = SimulatedStream(settings, paths, report, wanted=stream)
    return runs.run_families(
        settings, paths, loaded, report, layers, analytics=analytics, stream=trades, rebuild=rebuild
    )


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector from walking objects that live until the end of the command.

    Only a process that leaves its memory to the system may freeze them: others free all objects.
    """
    context = click.get_current_context(silent=True)
    if context is None or context.find_root().obj != OWN_PROCESS:
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
