"""`financial-pipeline stream submit`: the job on a Flink cluster of your own, and its access."""

import shutil
from pathlib import Path

import click

from financial_pipeline.cli.options import data_root, data_root_option
from financial_pipeline.cli.stream_produce import brokers
from financial_pipeline.errors import PipelineError
from financial_pipeline.settings import Settings


@click.command()
@data_root_option
@click.option("--from", "savepoint", help="Address of a savepoint or checkpoint to resume from.")
@click.option("--fresh", is_flag=True, help="Read the raw topic from its beginning.")
@click.option(
    "--stop", is_flag=True, help="Stop the job with a savepoint, from which the next one resumes."
)
@click.option(
    "--follow",
    is_flag=True,
    help="Also submit it again whenever Flink has lost it, until interrupted.",
)
def submit(savepoint: str | None, fresh: bool, stop: bool, follow: bool) -> None:
    """Submit the job to the Flink cluster that FINANCIAL_PIPELINE_FLINK_URL names.

    FINANCIAL_PIPELINE_KAFKA_BROKERS names its Kafka; absent topics are created. The job resumes
    from its last savepoint or checkpoint; one that runs already is left alone.
    """
    from financial_pipeline.streaming.existing_flink import existing_flink
    from financial_pipeline.streaming.job_keeper import keep_running

    if sum((bool(savepoint), fresh, stop, follow)) > 1:
        raise PipelineError("Give only one of --from, --fresh, --stop and --follow.")
    flink = existing_flink(Settings(), data_root())
    if follow:
        keep_running(flink, click.echo)
    elif stop:
        click.echo(f"Stopped with the savepoint {flink.stop()}.")
    else:
        click.echo(flink.submit(savepoint, is_fresh=fresh).sentence(flink.rest.url))


@click.command()
@data_root_option
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def access(folder: Path) -> None:
    """Write the login of Kafka to FOLDER, in the form that the job reads it on Flink's machines.

    Copy the files to the folder FINANCIAL_PIPELINE_FLINK_SECRETS of every one of them.
    """
    from financial_pipeline.local_cluster.connection import CA_FILE

    found = brokers()
    if not found.user:
        raise PipelineError("Kafka wants no login: FINANCIAL_PIPELINE_KAFKA_USER is not set.")
    found.flink(folder)
    if found.ca_file:
        shutil.copyfile(found.ca_file, folder / CA_FILE)
    click.echo(f"The login of {found.user} is in {folder}.")
