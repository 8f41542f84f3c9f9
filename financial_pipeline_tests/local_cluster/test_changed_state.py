"""The leftovers of a killed or changed stream: ended, refused in one sentence, or set aside."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster import control
from financial_pipeline.local_cluster.flink_state import require_same_job
from financial_pipeline.local_cluster.processes import end_leftovers
from financial_pipeline.local_cluster.status import hold_lock

FACTS = {"the width of the bars": "60 s", "the topic raw": "a with 3 partitions"}
ADVICE = "Run `reset`."


def checkpoint(folder: Path) -> None:
    state = folder / "checkpoints" / "job" / "chk-1"
    state.mkdir(parents=True)
    (state / "_metadata").touch()


def test_a_job_resumes_from_a_checkpoint_of_the_same_job(tmp_path: Path) -> None:
    require_same_job(tmp_path, FACTS, ADVICE)
    checkpoint(tmp_path)
    require_same_job(tmp_path, FACTS, ADVICE)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("the width of the bars", "300 s", "the width of the bars was 60 s and is 300 s"),
        ("the topic raw", "b with 3 partitions", "the topic raw was a with 3 partitions and is b"),
        ("the topic raw", "a with 4 partitions", "and is a with 4 partitions"),
    ],
)
def test_a_changed_job_does_not_resume_and_says_why(
    tmp_path: Path, name: str, value: str, sentence: str
) -> None:
    require_same_job(tmp_path, FACTS, ADVICE)
    checkpoint(tmp_path)
    for _ in range(2):  # the refused facts are not recorded
        with pytest.raises(PipelineError, match=sentence) as refused:
            require_same_job(tmp_path, FACTS | {name: value}, ADVICE)
        assert str(refused.value).endswith(ADVICE)
    require_same_job(tmp_path, FACTS, ADVICE)


def test_a_checkpoint_without_a_record_is_refused(tmp_path: Path) -> None:
    checkpoint(tmp_path)
    with pytest.raises(PipelineError, match="was unknown and is 60 s"):
        require_same_job(tmp_path, FACTS, ADVICE)


def test_without_a_checkpoint_the_job_may_change(tmp_path: Path) -> None:
    require_same_job(tmp_path, FACTS, ADVICE)
    require_same_job(tmp_path, {"the width of the bars": "300 s"}, ADVICE)


@contextmanager
def sleeper(mark: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", "import time; time.sleep(60)", mark]
    process = subprocess.Popen(command)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("is_reset", [False, True])
def test_leftovers_of_a_killed_supervisor_end_and_nothing_else(
    tmp_path: Path, is_reset: bool
) -> None:
    state = tmp_path / "stream_runtime"
    state.mkdir()
    with sleeper(str(state)) as ours, sleeper("another program") as other:
        record = state / "processes.json"
        record.write_text(json.dumps({"broker-1": ours.pid, "jobmanager": other.pid}))
        if is_reset:
            control.reset(state, [])
        else:
            assert control.down(state).endswith("ended what it left: broker-1.")
        assert ours.wait(5) != 0
        assert other.poll() is None
        assert not record.exists()


@pytest.mark.parametrize("content", ["", '{"broker-1": ', "[]"])
def test_a_damaged_record_of_processes_is_one_sentence(tmp_path: Path, content: str) -> None:
    record = tmp_path / "processes.json"
    record.write_text(content)
    with pytest.raises(PipelineError, match=r"processes.json is damaged.*end the Java processes"):
        end_leftovers(record, str(tmp_path))


def test_one_stream_at_a_time(tmp_path: Path) -> None:
    state = tmp_path / "stream_runtime"
    with hold_lock(state):
        with pytest.raises(PipelineError, match="already running"):
            control.up(state, "no.module")
        with pytest.raises(PipelineError, match="stop it with `financial-pipeline stream down`"):
            control.reset(state, [])


def test_a_reset_moves_everything_to_one_folder(tmp_path: Path) -> None:
    state, landed = tmp_path / "stream_runtime", tmp_path / "raw" / "stream"
    for folder in (state, landed):
        folder.mkdir(parents=True)
        (folder / "file").write_text(folder.name)
    aside = control.reset(state, [landed, tmp_path / "replay_log"])
    assert aside
    assert (aside / "stream_runtime" / "file").read_text() == "stream_runtime"
    assert (aside / "raw" / "stream" / "file").read_text() == "stream"
    assert not state.exists()
    assert not landed.exists()
    assert control.reset(state, [landed]) is None
