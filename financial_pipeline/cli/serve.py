"""The commands that serve pages on loopback: `dev` and `dashboard`."""

import os
import sys
from pathlib import Path
from typing import Final

import click

from financial_pipeline.cli.options import data_root, data_root_option, world_options
from financial_pipeline.settings import PROJECT_ROOT

PORT: Final = click.IntRange(1024, 65535)


@click.command()
@world_options
@click.option("--port", type=PORT, default=3000, show_default=True, help="Port of the Dagster UI.")
@click.option(
    "--dashboard-port", type=PORT, default=8501, show_default=True, help="Port of the dashboard."
)
def dev(port: int, dashboard_port: int) -> None:
    """Start Dagster's web interface and the dashboard on loopback; both end together."""
    from financial_pipeline.dashboard import launch

    launch.check_ports(port=port, dashboard_port=dashboard_port)
    from financial_pipeline.definitions import defs
    from financial_pipeline.defs import home, switches

    home.prepare_home(data_root(builds=True))
    os.environ["FINANCIAL_PIPELINE_DAGSTER_URL"] = launch.address(port)
    for sentence in switches.of_this_home(defs):
        click.echo(sentence)
    click.echo("The stream is not started here: `financial-pipeline stream up` starts it.")
    click.echo(f"Dagster: {launch.address(port)}  Dashboard: {launch.address(dashboard_port)}")
    dagster = [sys.executable, "-m", "dagster", "dev", "-h", launch.LOOPBACK, "-p", str(port)]
    dagster += ["-w", str(PROJECT_ROOT / "workspace.yaml")]
    # In this folder, whose `.env` the servers read as this command does.
    sys.exit(launch.run_together([dagster, launch.streamlit_command(dashboard_port)], Path.cwd()))


@click.command()
@data_root_option
@click.option("--port", type=PORT, default=8501, show_default=True, help="Port of the dashboard.")
def dashboard(port: int) -> None:
    """Open the dashboard over the published version, on loopback."""
    from financial_pipeline.dashboard import launch

    launch.check_ports(port=port)
    data_root()
    click.echo(f"Dashboard: {launch.address(port)}")
    launch.serve(port)
