"""The stream on this machine: messages a second, seconds to a table, seconds to a first bar."""

import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, get_args

import click

from financial_pipeline.bench.measuring import as_json_option, report, tell, work_folder
from financial_pipeline.bench.stream_latency import nothing_to_bar, window_to_table
from financial_pipeline.bench.stream_throughput import alone, measure_sustained
from financial_pipeline.streaming.clients import ClientName
from financial_pipeline.streaming.job_script import Delivery

Part = Literal["sustained", "bare", "latency", "start"]
PARTS: Final = get_args(Part)
CLIENTS: Final = get_args(ClientName)
DELIVERIES: Final = get_args(Delivery)
SECONDS: Final = 300
# The producer alone and the delays need less.
BARE_SECONDS: Final = 20
LATENCY_SECONDS: Final = 90

Result = dict[str, Any]
Measure = Callable[[Path], Result]


def _measures(
    clients: tuple[ClientName, ...], deliveries: tuple[Delivery, ...], seconds: float
) -> dict[str, list[Measure]]:
    """Return the measures of each part in order; each gets an empty folder."""
    bare, short = min(seconds, BARE_SECONDS), min(seconds, LATENCY_SECONDS)
    return {
        "sustained": [
            partial(measure_sustained, client=client, delivery=delivery, seconds=seconds)
            for client in clients
            for delivery in deliveries
        ],
        "bare": [partial(alone, client=client, seconds=bare) for client in clients],
        "latency": [
            partial(window_to_table, delivery=delivery, seconds=short) for delivery in deliveries
        ],
        "start": [nothing_to_bar],
    }


def run(
    parts: tuple[str, ...],
    clients: tuple[ClientName, ...],
    deliveries: tuple[Delivery, ...],
    seconds: float,
) -> Result:
    """Measure the parts, each on a Kafka and a Flink of its own.

    Keys: name, cores, load (mean number of busy processes in the last minute, before and after),
    and a list of results for each part.
    """
    before = os.getloadavg()[0]
    results: Result = {"name": "stream", "cores": os.cpu_count()}
    measures = _measures(clients, deliveries, seconds)
    for part in parts:
        results[part] = []
        for measure in measures[part]:
            with work_folder() as folder:
                results[part].append(measure(folder))
            tell(_line(part, results[part][-1]))
    return results | {"load": [round(before, 1), round(os.getloadavg()[0], 1)]}


def _line(part: str, row: Result) -> str:
    """The single figures of a result; --json has the lists too."""
    figures = {name: value for name, value in row.items() if not isinstance(value, (list, dict))}
    shown = (
        f"{name.replace('_', ' ')} {value:,}"
        if isinstance(value, (int, float)) and not isinstance(value, bool)
        else f"{name.replace('_', ' ')} {value}"
        for name, value in figures.items()
    )
    return f"{part}: {', '.join(shown)}"


@click.command()
@click.option("--part", "parts", type=click.Choice(PARTS), multiple=True, help="[default: all]")
@click.option("--client", "clients", type=click.Choice(CLIENTS), multiple=True)
@click.option("--delivery", "deliveries", type=click.Choice(DELIVERIES), multiple=True)
@click.option("--seconds", default=SECONDS, show_default=True, type=click.FloatRange(5))
@as_json_option
def stream(
    parts: tuple[str, ...],
    clients: tuple[ClientName, ...],
    deliveries: tuple[Delivery, ...],
    seconds: float,
    as_json: bool,
) -> None:
    """Sustained input through the whole job, the bare measures, and delays to a table.

    Each combination takes --seconds and a start of Kafka and Flink; name parts to run fewer.
    """
    # Interrupting the benchmark also stops its Kafka and Flink.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    result = run(parts or PARTS, clients or CLIENTS, deliveries or DELIVERIES, seconds)
    if as_json:
        report(result, as_json)
        return
    for part in parts or PARTS:
        for row in result[part]:
            click.echo(_line(part, row))
    before, after = result["load"]
    click.echo(f"{result['cores']} cores, load {before} before and {after} after")
