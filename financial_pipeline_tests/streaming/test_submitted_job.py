"""The record of the submitted job, and the state from which the next one resumes."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.flink_rest import FlinkRefused, FlinkRest
from financial_pipeline.publishing.bucket import Bucket
from financial_pipeline.settings import Settings
from financial_pipeline.streaming.submitted_job import SubmittedJob
from financial_pipeline_tests.s3_service import BUCKET, S3Service

FACTS = {"the width of the bars": "60 s"}


@dataclass(frozen=True)
class JobManager(FlinkRest):
    """Knows the last checkpoint of jobs, until it is restarted."""

    checkpoints: dict[str, str | None] = field(default_factory=dict)

    def get(self, path: str) -> Any:
        job_id = path.split("/")[2]
        if job_id not in self.checkpoints:
            raise FlinkRefused(f"Flink refused GET {path}: Job {job_id} not found")
        address = self.checkpoints[job_id]
        return {"latest": {"completed": address and {"external_path": address}}}


@pytest.fixture
def manager() -> JobManager:
    return JobManager("http://flink.invalid:8081")


@pytest.fixture
def job(tmp_path: Path, manager: JobManager) -> SubmittedJob:
    return SubmittedJob(tmp_path / "submitted.json", manager)


def complete(manager: JobManager, folder: Path, number: int, *, is_whole: bool = True) -> str:
    """Write a checkpoint as Flink does, its metadata last; its address."""
    place = folder / f"chk-{number}"
    place.mkdir(parents=True)
    if is_whole:
        (place / "_metadata").touch()
        manager.checkpoints["7"] = f"file:{place}"
    return f"file:{place}"


def test_the_first_job_resumes_from_nothing(job: SubmittedJob) -> None:
    assert job.resume_point(FACTS) is None


def test_the_jobmanager_is_asked_first(job: SubmittedJob, manager: JobManager) -> None:
    manager.checkpoints["7"] = "s3://state/7/chk-9"
    job.note("7", FACTS)
    manager.checkpoints["7"] = "s3://state/7/chk-10"
    assert job.resume_point(FACTS) == "s3://state/7/chk-10"


def test_after_a_restart_the_newest_whole_checkpoint_of_this_job_is_found(
    job: SubmittedJob, manager: JobManager, tmp_path: Path
) -> None:
    complete(manager, tmp_path / "state" / "7", 9)
    job.note("7", FACTS)
    newest = complete(manager, tmp_path / "state" / "7", 10)
    complete(manager, tmp_path / "state" / "7", 11, is_whole=False)
    complete(manager, tmp_path / "state" / "8", 12)
    manager.checkpoints.clear()
    assert job.resume_point(FACTS) == newest


@pytest.mark.parametrize("scheme", ["s3", "s3a", "s3p"])
def test_after_a_restart_the_newest_whole_checkpoint_in_a_bucket_is_found(
    job: SubmittedJob, manager: JobManager, s3: S3Service, scheme: str
) -> None:
    folder = f"flink-{scheme}"
    stored = Bucket(f"s3://{BUCKET}/{folder}", Settings())
    for key in ("7/chk-9/_metadata", "7/chk-10/_metadata", "7/chk-11/1", "8/chk-12/_metadata"):
        stored.put(key, b"state")
    manager.checkpoints["7"] = f"{scheme}://{BUCKET}/{folder}/7/chk-9"
    job.note("7", FACTS)
    manager.checkpoints.clear()
    assert job.resume_point(FACTS) == f"{scheme}://{BUCKET}/{folder}/7/chk-10"


@pytest.mark.parametrize(
    "address",
    ["s3://absent/7/chk-9", f"s3://{BUCKET}/none/7/chk-9", "file:/absent/7/chk-9", "<not there>"],
)
def test_a_state_that_nobody_knows_is_named_instead_of_reading_everything_again(
    job: SubmittedJob, manager: JobManager, s3: S3Service, address: str
) -> None:
    manager.checkpoints["7"] = address
    job.note("7", FACTS)
    manager.checkpoints.clear()
    with pytest.raises(PipelineError, match=r"knows no checkpoint of the job before \(7\).*--from"):
        job.resume_point(FACTS)


def test_a_job_without_a_checkpoint_is_not_recorded(job: SubmittedJob, manager: JobManager) -> None:
    manager.checkpoints["7"] = None
    job.note("7", FACTS)
    assert job.content == {}


def test_a_stopped_job_resumes_from_its_savepoint(job: SubmittedJob, manager: JobManager) -> None:
    manager.checkpoints["7"] = "s3://state/7/chk-9"
    job.note("7", FACTS)
    assert (job.job_id, job.is_stopped) == ("7", False)
    job.note_stop("s3://state/savepoint-1")
    assert (job.job_id, job.is_stopped) == (None, True)
    assert job.resume_point(FACTS) == "s3://state/savepoint-1"


@pytest.mark.parametrize("is_stopped", [True, False])
def test_a_state_of_another_job_is_not_resumed(
    job: SubmittedJob, manager: JobManager, is_stopped: bool
) -> None:
    manager.checkpoints["7"] = "s3://state/7/chk-9"
    job.note("7", FACTS)
    if is_stopped:
        job.note_stop("s3://state/savepoint-1")
    with pytest.raises(
        PipelineError, match=r"the width of the bars was 60 s and is 300 s.*--fresh"
    ):
        job.resume_point({"the width of the bars": "300 s"})
