"""A Flink cluster given by address: what is refused before anything is submitted."""

from pathlib import Path
from typing import Any

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import replace_json
from financial_pipeline.local_cluster.connection import Connection
from financial_pipeline.local_cluster.flink_rest import FlinkRefused, FlinkRest
from financial_pipeline.paths import Paths
from financial_pipeline.settings import Settings
from financial_pipeline.streaming import existing_flink as existing_flink_module
from financial_pipeline.streaming.existing_flink import ExistingFlink, Submission, existing_flink

URL = "http://flink.invalid:8081"
ANSWERS: dict[str, Any] = {
    "/config": {"flink-version": "2.3.1"},
    "/overview": {"slots-available": 3},
    "/jobs/overview": {"jobs": [{"jid": "1", "name": "another", "state": "RUNNING"}]},
}


class Answering(FlinkRest):
    """A REST server of these answers; it refuses everything else."""

    def get(self, path: str) -> Any:
        if path not in ANSWERS:
            raise FlinkRefused(f"Flink refused GET {path}")
        return ANSWERS[path]


def completed(address: str) -> dict[str, Any]:
    return {"latest": {"completed": {"external_path": address}}}


def cluster(root: Path, user: str | None = None, **settings: Any) -> ExistingFlink:
    known = Settings(flink_url=URL, kafka_brokers="kafka.invalid:9092", **settings)
    brokers = Connection("kafka.invalid:9092", user, "secret-4711")
    return ExistingFlink(known, Paths(root), Answering(URL), brokers)


@pytest.mark.parametrize(
    ("path", "answer", "message"),
    [
        ("/config", {"flink-version": "1.20.1"}, "is 1.20.1, and the job needs 2.3.0"),
        ("/overview", {"slots-available": 2}, "has 2 free slots and the job needs 3"),
    ],
)
def test_a_cluster_that_cannot_take_the_job_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, answer: Any, message: str
) -> None:
    monkeypatch.setitem(ANSWERS, path, answer)
    monkeypatch.setattr(existing_flink_module, "SLOT_SECONDS", 0.0)
    monkeypatch.setattr(ExistingFlink, "_create_topics", lambda _flink: None)
    with pytest.raises(PipelineError, match=message):
        cluster(tmp_path).submit()


def test_a_job_that_runs_is_left_alone_and_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = {"jid": "7", "name": "market_bars_1m", "state": "RESTARTING"}
    monkeypatch.setitem(ANSWERS, "/jobs/overview", {"jobs": [job]})
    monkeypatch.setitem(ANSWERS, "/jobs/7/checkpoints", completed("file:/state/7/chk-9"))
    flink = cluster(tmp_path)
    assert flink.submit().sentence(URL) == f"The job 7 runs on {URL} already."
    known = {"url": URL, "job_id": "7", "checkpoints": "file:/state/7", "facts": None}
    assert flink.before.content == known
    for options in ({"savepoint": "s3://state/savepoint-1"}, {"is_fresh": True}):
        with pytest.raises(PipelineError, match=r"runs on .* already \(7\); stop it"):
            flink.submit(**options)


def test_a_job_that_a_restarted_jobmanager_recovers_is_not_submitted_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flink = cluster(tmp_path)
    replace_json(flink.before.file, {"url": URL, "job_id": "7"})
    looks: list[float] = []

    def recover(seconds: float) -> None:
        looks.append(seconds)
        job = {"jid": "7", "name": "market_bars_1m", "state": "RUNNING"}
        monkeypatch.setitem(ANSWERS, "/jobs/overview", {"jobs": [job] * (len(looks) > 2)})

    monkeypatch.setattr("time.sleep", recover)
    assert flink.submit() == Submission("7")
    assert len(looks) == 3


def test_no_answer_is_one_sentence(tmp_path: Path) -> None:
    known = Settings(flink_url="http://127.0.0.1:9", kafka_brokers="kafka.invalid:9092")
    with pytest.raises(PipelineError, match=r"No Flink answers at http://127\.0\.0\.1:9"):
        existing_flink(known, Paths(tmp_path)).submit()


def test_both_addresses_are_needed(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="Set FINANCIAL_PIPELINE_FLINK_URL"):
        existing_flink(Settings(), Paths(tmp_path))
    with pytest.raises(PipelineError, match="Set FINANCIAL_PIPELINE_KAFKA_BROKERS"):
        existing_flink(Settings(flink_url=URL), Paths(tmp_path))


def test_a_login_needs_a_folder_on_the_machines_of_flink_and_enters_no_job(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="set FINANCIAL_PIPELINE_FLINK_SECRETS"):
        cluster(tmp_path, "pipeline")._client()
    client = cluster(tmp_path, "pipeline", flink_secrets=Path("/run/secrets/flink"))._client()
    assert client["sasl.jaas.config"] == "${file:/run/secrets/flink/access.properties:login}"
    assert "secret-4711" not in str(client)
