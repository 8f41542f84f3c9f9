"""Registrations belong to a run: others neither see nor publish nor remove them."""

from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from financial_pipeline.defs.exports.publication import finished_publications
from financial_pipeline.defs.resources import PUBLICATION_TAG, ROOT_RUN_TAG
from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import PublishedTable, read_manifest
from financial_pipeline.publishing.publication import Publication, pending, publish
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import Table

LOANS, PRICES = "exports/fct_loans", "exports/fct_daily_prices"
SUCCESS, FAILURE, STARTED, CANCELED = (
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELED,
)


def register(paths: Paths, run: str, key: str, value: int) -> PublishedTable:
    layer, name = key.split("/")
    contract: Table[pl.DataType] = Table(layer, name, "One row.", ("x",))
    table = write_table(paths, contract, pl.DataFrame({"x": [value]}))
    Publication(paths, run).register(table)
    return table


def test_registered_table_is_seen_by_its_own_run_only(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    old = register(paths, "a", LOANS, 1)
    publish(paths, ["a"], {})
    new = register(paths, "b", LOANS, 2)
    assert Publication(paths, "b").newest(LOANS) == new
    assert Publication(paths, "c").newest(LOANS) == old
    assert read_manifest(paths).table(LOANS) == old


def test_unknown_table_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(PipelineError):
        Publication(Paths(tmp_path), "a").newest(LOANS)
    assert Publication(Paths(tmp_path), "a").known() == set()


def test_publication_leaves_the_tables_of_an_active_one_alone(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    register(paths, "active", LOANS, 1)
    prices = register(paths, "done", PRICES, 2)
    assert publish(paths, ["done"], {}).tables == {PRICES: prices}
    assert pending(paths) == ["active"]
    assert Publication(paths, "active").known() == {LOANS, PRICES}


def test_of_two_finished_publications_the_newer_version_becomes_current(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    register(paths, "z", LOANS, 1)
    newer = register(paths, "a", LOANS, 2)
    assert publish(paths, ["a", "z"], {}).table(LOANS) == newer


def runs(instance: dg.DagsterInstance, *statuses: dg.DagsterRunStatus, **tags: str) -> str:
    """Add runs to the instance that share these tags, and return the id of the last."""
    added = [instance.add_run(dg.DagsterRun("job", status=one, tags=tags)) for one in statuses]
    return added[-1].run_id


@pytest.mark.parametrize(
    ("statuses", "published", "waiting"),
    [
        ((SUCCESS, SUCCESS), True, False),
        ((SUCCESS, STARTED), False, True),
        ((SUCCESS, FAILURE), False, False),
        ((CANCELED,), False, False),
    ],
)
def test_only_publications_whose_runs_all_succeeded_join(
    tmp_path: Path,
    statuses: tuple[dg.DagsterRunStatus, ...],
    published: bool,
    waiting: bool,
) -> None:
    paths = Paths(tmp_path)
    register(paths, "command", LOANS, 1)
    with dg.DagsterInstance.ephemeral() as instance:
        runs(instance, *statuses, **{PUBLICATION_TAG: "command"})
        found = finished_publications(instance, Publication(paths, "own"))
    assert found == ["own", *(["command"] if published else [])]
    assert pending(paths) == (["command"] if published or waiting else [])


def test_retry_continues_the_publication_of_its_first_run(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    with dg.DagsterInstance.ephemeral() as instance:
        first = runs(instance, FAILURE)
        runs(instance, STARTED, **{ROOT_RUN_TAG: first})
        register(paths, first, LOANS, 1)
        assert finished_publications(instance, Publication(paths, "own")) == ["own"]
    assert pending(paths) == [first]


def test_registrations_that_no_run_owns_are_removed(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    register(paths, "gone", LOANS, 1)
    with dg.DagsterInstance.ephemeral() as instance:
        assert finished_publications(instance, Publication(paths, "own")) == ["own"]
    assert pending(paths) == []
