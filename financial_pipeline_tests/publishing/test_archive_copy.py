"""The raw archive moves with the batch channel, and the lines of two machines are joined."""

import json
from datetime import date
from pathlib import Path

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import working_copy
from financial_pipeline.raw import archive, withdrawals
from financial_pipeline.schemas.raw import LandedFile
from financial_pipeline_tests.publishing.machines import published
from financial_pipeline_tests.s3_service import BUCKET, S3Service


def drop(paths: Paths, name: str, content: str) -> None:
    file = paths.data_root / "drop" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    day = date(2019, 1, 1)
    landed = LandedFile(file, "bank_prices", "csv", "JPM", None, day, day, 1, provider="csv")
    archive.archive(paths, [landed])


@pytest.fixture
def two(s3: S3Service, tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Paths, Paths, str]:
    address = f"s3://{BUCKET}/archive-{request.node.name}"
    one, other = Paths(tmp_path / "one"), Paths(tmp_path / "other")
    working_copy.prepare(one, address, builds=True)
    return one, other, address


def archived(paths: Paths) -> dict[str, str]:
    files = archive.read_raw_files(paths)
    archive.verify(files)
    return {file.landed.path.name: file.archived_path.read_text() for file in files}


def test_another_machine_gets_raw_files_only_if_it_builds(two: tuple[Paths, Paths, str]) -> None:
    one, other, address = two
    drop(one, "jpm.csv", "close\n1\n")
    published(one, 1)
    working_copy.prepare(other, address, builds=False)
    (file,) = archive.read_raw_files(other)
    assert not file.archived_path.exists()
    working_copy.prepare(other, address, builds=True)
    assert archived(other) == {"jpm.csv": "close\n1\n"}
    assert file.archived_path.stat().st_mode & 0o777 == 0o444


def test_files_that_two_machines_archived_are_all_there(two: tuple[Paths, Paths, str]) -> None:
    one, other, address = two
    drop(one, "a.csv", "a")
    published(one, 1)
    working_copy.prepare(other, address, builds=True)
    drop(one, "b.csv", "b")
    published(one, 2)
    drop(other, "c.csv", "c")
    withdrawals.record(other, archive.read_raw_files(other)[-1], "withdraw")
    with pytest.raises(PipelineError, match="Another machine published"):
        published(other, 3)
    working_copy.prepare(other, address, builds=True)
    assert archived(other) == {"a.csv": "a", "b.csv": "b", "c.csv": "c"}
    published(other, 3)
    working_copy.prepare(one, address, builds=True)
    assert archived(one) == archived(other)
    assert withdrawals.withdrawn(one) == withdrawals.withdrawn(other) != frozenset()


def test_a_reason_that_another_machine_noted_replaces_the_line(
    two: tuple[Paths, Paths, str],
) -> None:
    one, other, address = two
    drop(one, "a.csv", "a")
    published(one, 1)
    working_copy.prepare(other, address, builds=True)
    archive.refuse(one, archive.read_raw_files(one)[0].sha256, "no prices", "rules-1")
    published(one, 2)
    drop(other, "b.csv", "b")
    working_copy.prepare(other, address, builds=True)
    refused = {file.landed.path.name: file.refused for file in archive.read_raw_files(other)}
    assert refused == {"a.csv": "no prices", "b.csv": None}


def test_another_world_is_refused(two: tuple[Paths, Paths, str]) -> None:
    one, other, address = two
    other.data_root.mkdir()
    for paths, seed in ((one, 1), (other, 2)):
        (paths.data_root / "world.json").write_text(json.dumps({"seed": seed}))
    published(one, 1)
    with pytest.raises(PipelineError, match="contains another world"):
        working_copy.prepare(other, address, builds=False)


def test_landed_messages_stay_on_their_machine(
    two: tuple[Paths, Paths, str], s3: S3Service
) -> None:
    one, *_ = two
    message = one.landed_stream("flink") / "ranges" / "0.parquet"
    message.parent.mkdir(parents=True)
    message.write_bytes(b"messages")
    s3.requests.clear()
    published(one, 1)
    assert [each for each in s3.requests if "raw/stream" in each] == []
