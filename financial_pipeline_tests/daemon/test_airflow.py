"""The client and the DAGs of `docs/airflow` against a running Dagster, the DAGs in an Airflow."""

import importlib.util
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import polars as pl
import pytest

from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline_tests.conftest import PROJECT_ROOT
from financial_pipeline_tests.daemon import market_files
from financial_pipeline_tests.daemon.server import Server, eventually

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(2700)]

FOLDER = PROJECT_ROOT / "docs" / "airflow"
AIRFLOW = PROJECT_ROOT / ".venv-airflow" / "bin" / "airflow"
RUN_SECONDS = 900.0
DAYS = [day.isoformat() for day in market_files.trading_days()]

specification = importlib.util.spec_from_file_location("client", FOLDER / "dagster_client.py")
assert specification is not None
assert specification.loader is not None
dagster_client = importlib.util.module_from_spec(specification)
specification.loader.exec_module(dagster_client)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`dagster dev` over two price files that were dropped and not archived yet."""
    root = tmp_path_factory.mktemp("airflow")
    for bank in market_files.BANKS:
        market_files.price_file(root / "drop", bank, dict(enumerate(market_files.trading_days())))
    server = Server(root / "data", market_files.variables(root / "drop"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def client(server: Server) -> Any:
    return dagster_client.DagsterClient(server.address)


@pytest.fixture(scope="module")
def updated(client: Any) -> str:
    """The run of `update_job`, which succeeded."""
    run_id = client.launch_job("update_job", "dag/run/update")
    # Tried again while the run is at work: the same run.
    assert client.launch_job("update_job", "dag/run/update") == run_id
    eventually(lambda: client.run_is_finished(run_id), "the update", RUN_SECONDS)
    return str(run_id)


def test_a_launched_job_publishes_the_prices(updated: str, server: Server) -> None:
    paths = Paths(server.root)
    table = read_manifest(paths).table("exports/fct_daily_prices")
    prices = pl.read_parquet(parquet_files(paths, table))
    assert prices.height == len(market_files.BANKS) * market_files.SESSIONS


def test_an_ended_run_is_launched_again(updated: str, client: Any) -> None:
    again = client.launch_job("update_job", "dag/run/update")
    assert again != updated
    eventually(lambda: client.run_is_finished(again), "the second update", RUN_SECONDS)


def test_a_backfill_is_launched_once_and_waited_for(
    updated: str, client: Any, server: Server
) -> None:
    span = ("prices_job", DAYS[-3], DAYS[-1], "dag/run/backfill")
    backfill = client.launch_backfill(*span)
    assert client.launch_backfill(*span) == backfill
    eventually(lambda: client.backfill_is_finished(backfill), "the backfill", RUN_SECONDS)
    query = "query ($id: String!) { partitionBackfillOrError(backfillId: $id) {"
    query += " ... on PartitionBackfill { partitionNames numPartitions } } }"
    found = server.ask(query, {"id": backfill})["partitionBackfillOrError"]
    assert found["numPartitions"] == 3


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda c: c.launch_job("no_job", "k"), "PipelineNotFoundError"),
        (lambda c: c.run_is_finished("0"), "RunNotFoundError"),
        (lambda c: c.backfill_is_finished("none"), "BackfillNotFoundError"),
        (lambda c: c.launch_backfill("prices_job", "1999-01-04", DAYS[0], "k"), "no partitions"),
    ],
)
def test_a_refusal_is_a_sentence(ask: Callable[[Any], object], sentence: str, client: Any) -> None:
    with pytest.raises(dagster_client.DagsterFailure, match=sentence):
        ask(client)


def test_a_failed_run_is_a_sentence_with_its_page(client: Any, server: Server) -> None:
    # Without a partition the assets of this job cannot run.
    run_id = client.launch_job("prices_job", "dag/run/failing")

    def failed() -> str | None:
        try:
            assert not client.run_is_finished(run_id)
        except dagster_client.DagsterFailure as error:
            return str(error)
        return None

    sentence = eventually(failed, "the failure", RUN_SECONDS)
    assert sentence == f"Dagster reports FAILURE; see {server.address}/runs/{run_id}."


@pytest.fixture(scope="module")
def airflow(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of an Airflow with a database of its own; `make airflow` installs it."""
    if not AIRFLOW.exists():
        pytest.skip("there is no .venv-airflow: run `make airflow`")
    own = {
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow_home")),
        "AIRFLOW__CORE__DAGS_FOLDER": str(FOLDER),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "FINANCIAL_PIPELINE_DAGSTER_URL": server.address,
    }
    # Neither the project nor its packages are there.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | own
    subprocess.run([AIRFLOW, "db", "migrate"], env=environment, check=True, capture_output=True)
    return environment


def run_dag(
    airflow: dict[str, str], dag: str, options: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    command = [AIRFLOW, "dags", "test", f"financial_pipeline_{dag}", "--conf", json.dumps(options)]
    return subprocess.run(command, env=airflow, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("dag", "options"),
    [
        ("update", {}),
        ("backfill", {"job": "prices_job", "first": DAYS[-2], "last": DAYS[-1]}),
    ],
)
def test_airflow_runs_both_dags(
    dag: str, options: dict[str, str], updated: str, airflow: dict[str, str]
) -> None:
    done = run_dag(airflow, dag, options)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "state=success" in done.stdout + done.stderr


def test_a_dag_fails_if_its_job_fails(updated: str, airflow: dict[str, str]) -> None:
    # There are no loans here, and the checks need every table.
    done = run_dag(airflow, "update", {"job": "published_checks_job"})
    assert done.returncode == 1
    assert "Dagster reports FAILURE" in done.stdout + done.stderr
