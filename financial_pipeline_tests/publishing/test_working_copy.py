"""Working copies: versions on demand, pruning, local data roots that move, runs that go on."""

from datetime import timedelta
from pathlib import Path

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import locked
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import object_storage, working_copy
from financial_pipeline.publishing.manifest import read_version
from financial_pipeline.publishing.versions import Retention, names, publication_lock
from financial_pipeline_tests.publishing.machines import LOANS, Machine, published, value_of
from financial_pipeline_tests.s3_service import S3Service


def test_a_kept_version_is_downloaded_when_it_is_asked_for(machine: Machine) -> None:
    here = machine("here")
    for value in (1, 2, 3):
        published(here, value)
    reader = machine("reader")
    first, *_ = names(reader)
    assert names(reader) == names(here)
    assert not (reader.data_root / read_version(here, first).table(LOANS).folder).exists()
    assert value_of(reader, version=first) == 1


def test_pruning_in_the_bucket_follows_and_spares_what_a_version_names(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_storage, "UNNAMED", timedelta(0))
    here = machine("here")
    for value in range(1, 7):
        published(here, value, retention=Retention(versions=2, max_bytes=2**40, seconds=0.0))
    shared = object_storage.shared_bucket(here)
    assert shared is not None
    versions = [key.removeprefix("versions/")[:8] for key in shared.bucket.listed("versions/")]
    assert sorted(versions) == names(here)
    assert len(versions) == 2
    reader = machine("reader")
    assert [value_of(reader, version=each) for each in names(reader)] == [5, 6]
    folders = {key.split("/")[2] for key in shared.bucket.listed(f"{LOANS}/")}
    assert len(folders) == 2


def test_a_local_data_root_moves_to_an_empty_bucket_with_its_versions(
    s3: S3Service, tmp_path: Path, address: str, machine: Machine
) -> None:
    paths = Paths(tmp_path / "local")
    for value in (1, 2):
        published(paths, value)
    working_copy.prepare(paths, address, builds=True)
    published(paths, 3, "exports/fct_prices")
    reader = machine("reader")
    assert (value_of(reader), value_of(reader, "exports/fct_prices")) == (2, 3)
    assert [value_of(reader, version=each) for each in names(reader)] == [1, 2, 2]


def test_a_data_root_with_tables_does_not_become_the_copy_of_other_tables(
    s3: S3Service, tmp_path: Path, address: str, machine: Machine
) -> None:
    published(machine("here"), 1)
    local = Paths(tmp_path / "local")
    published(local, 9)
    with pytest.raises(PipelineError, match="has published tables of its own"):
        working_copy.prepare(local, address, builds=False)
    assert value_of(local) == 9


def test_a_working_copy_belongs_to_one_address(machine: Machine, address: str) -> None:
    here = machine("here")
    with pytest.raises(PipelineError, match="is the working copy of"):
        working_copy.prepare(here, f"{address}-other", builds=False)


def test_a_reader_during_a_run_keeps_the_version_of_the_run(machine: Machine) -> None:
    published(machine("here"), 1)
    here, there = machine("here"), machine("there")
    published(there, 2)
    with locked(here.dagster_home / "command.lock"):
        assert value_of(machine("here")) == 1
    assert value_of(machine("here")) == 2


def test_a_page_shows_what_was_published_elsewhere(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(machine("here"), 1)
    here, page = machine("here"), machine("page")
    published(here, 2)
    working_copy.refresh(page)
    assert value_of(page) == 2
    published(here, 3)
    # Not at once: a page asks the bucket now and then.
    working_copy.refresh(page)
    assert value_of(page) == 2
    monkeypatch.setattr(working_copy, "REFRESH_SECONDS", 0.0)
    with locked(publication_lock(page)):
        working_copy.refresh(page)
    assert value_of(page) == 2
    working_copy.refresh(page)
    assert value_of(page) == 3


def test_a_page_without_its_bucket_shows_the_version_before(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(machine("here"), 1)
    page = machine("page")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    working_copy.refresh(page)
    assert value_of(page) == 1
