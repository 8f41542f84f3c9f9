"""The judge of the Flink job against the corpus, and against the judge in Python."""

import base64
import struct
import subprocess
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from financial_pipeline.local_cluster.java import find_flink, find_java
from financial_pipeline.local_cluster.java_classes import class_path, compile_classes
from financial_pipeline.local_cluster.runtime import LocalRuntime, RuntimePlan
from financial_pipeline.schemas import stream
from financial_pipeline.streaming.judgement import judge
from financial_pipeline_tests.flink.worlds import World
from financial_pipeline_tests.streaming import corpus, fuzz
from financial_pipeline_tests.streaming.corpus import RECORD_MS
from financial_pipeline_tests.streaming.engines import tables_of

DRIVER = Path(__file__).with_name("Verdicts.java")
FIELDS = tuple(column.name for column in stream.RAW)
# Verdict, watermark (milliseconds) and the raw columns, as text or None.
Row = tuple[str | None, ...]
END = -2


class JavaJudge:
    """The compiled function of the job; `judge` starts a Java process for each list."""

    def __init__(self, plan: RuntimePlan) -> None:
        self._java = find_java()
        flink = find_flink()
        classes = compile_classes(self._java, flink, plan.jars)
        self._path = f"{class_path(flink)}:{classes}"

    def judge(self, values: Sequence[bytes | None]) -> list[Row]:
        """The row of each message at RECORD_MS."""
        parts = []
        for value in values:
            parts += [struct.pack(">i", -1 if value is None else len(value)), value or b""]
        command = [self._java, "-cp", self._path, str(DRIVER), str(RECORD_MS)]
        done = subprocess.run(
            command, input=b"".join([*parts, struct.pack(">i", END)]), capture_output=True
        )
        if b"jdk.compiler" in done.stderr:
            pytest.skip("this Java has no compiler for the driver of the test")
        assert done.returncode == 0, done.stderr.decode()
        texts = list(_texts(done.stdout))
        width = 2 + len(FIELDS)
        return [tuple(texts[at : at + width]) for at in range(0, len(texts), width)]


def _texts(output: bytes) -> list[str | None]:
    found: list[str | None] = []
    at = 0
    while at < len(output):
        (length,) = struct.unpack_from(">i", output, at)
        at += 4
        found.append(None if length < 0 else output[at : at + length].decode())
        at += max(length, 0)
    return found


def python_row(value: bytes | None) -> Row:
    """Judge a message in Python, in the form of `JavaJudge`."""
    found = judge(value, RECORD_MS)
    verdict = stream.BEHIND_ITS_PRODUCER if found.is_late else "bar"
    verdict = found.reason or ("heartbeat" if found.is_heartbeat else verdict)
    mark = None if found.watermark_us is None else str(found.watermark_us // 1000)
    return verdict, mark, *(as_text(found.fields.get(name)) for name in FIELDS)


def as_text(value: object) -> str | None:
    """A field as `JavaJudge` writes it; dates are days since 1970."""
    if isinstance(value, date):
        return str((value - date(1970, 1, 1)).days)
    return None if value is None else str(value)


def comparable(row: Row) -> Row:
    """Keep what must agree: of the dead, reason and watermark; of heartbeats, their columns too."""
    beat = 2 + len(stream.HEARTBEAT_COLUMNS[stream.RAW_TOPIC])
    widths = {"bar": len(row), stream.BEHIND_ITS_PRODUCER: len(row), "heartbeat": beat}
    return row[: widths.get(str(row[0]), 2)]


LEAST_VERDICTS = 10


@pytest.fixture(scope="module")
def java_judge(runtime_plan: RuntimePlan) -> JavaJudge:
    return JavaJudge(runtime_plan)


def test_every_message_of_the_corpus_gets_its_verdict(java_judge: JavaJudge) -> None:
    examples = corpus.read()
    rows = java_judge.judge([one.value for one in examples])
    expected = {"aggregated": "bar"}
    wrong = [
        (one.name, one.verdict, row[0])
        for one, row in zip(examples, rows, strict=True)
        if row[0] != expected.get(one.verdict, one.verdict)
    ]
    assert wrong == []


def test_every_message_of_the_corpus_has_the_fields_of_the_judge_in_python(
    java_judge: JavaJudge,
) -> None:
    values = [one.value for one in corpus.read()]
    rows = java_judge.judge(values)
    differing = [
        (value, row, python_row(value))
        for value, row in zip(values, rows, strict=True)
        if comparable(row) != comparable(python_row(value))
    ]
    assert differing == []


def assert_judges_agree(java_judge: JavaJudge, values: list[bytes]) -> None:
    rows = java_judge.judge(values)
    for value, row in zip(values, rows, strict=True):
        assert comparable(row) == comparable(python_row(value)), value
    # A fuzzer that makes only sound or only broken messages compares nothing.
    shares = Counter(row[0] for row in rows)
    assert len(shares) >= LEAST_VERDICTS
    assert shares["bar"] > len(values) / 20


def test_both_judges_agree_on_messages_around_the_edges(java_judge: JavaJudge) -> None:
    assert_judges_agree(java_judge, list(fuzz.messages(seed=1, count=2_000)))


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(10, 20))
def test_both_judges_agree_on_a_million_messages(java_judge: JavaJudge, seed: int) -> None:
    assert_judges_agree(java_judge, list(fuzz.messages(seed, count=100_000)))


def assert_flink_agrees(runtime: LocalRuntime, folder: Path, values: list[bytes | None]) -> None:
    """Compare dead letters and late messages of a job with the judge in Python."""
    world = World(runtime)
    # The other partitions stay silent, so that no watermark moves and nothing is behind the job.
    world.send((0, (RECORD_MS, None, value)) for value in values)
    world.run()
    tables = tables_of(world.log, folder)
    found = {
        row["source_offset"]: row
        for name in ("dead_letters", "late_messages")
        for row in tables[name].to_dicts()
    }
    for offset, value in enumerate(values):
        expected = python_row(value)
        row = found.get(offset, {"reason": "bar"})
        assert row["reason"] == ("bar" if expected[0] == "heartbeat" else expected[0]), value
        if row["reason"] == stream.BEHIND_ITS_PRODUCER:
            assert tuple(as_text(row[name]) for name in FIELDS[1:]) == expected[3:], value
        elif row["reason"] != "bar":
            assert payload_of(row) == (value and value[: stream.MAX_MESSAGE_BYTES]), value


def payload_of(row: dict[str, Any]) -> bytes | None:
    return None if row["payload"] is None else base64.b64decode(row["payload"])


def test_the_job_sorts_out_the_corpus_and_messages_around_the_edges(
    runtime: LocalRuntime, tmp_path: Path
) -> None:
    edges = fuzz.messages(seed=2, count=2_000)
    assert_flink_agrees(runtime, tmp_path, [*(one.value for one in corpus.read()), *edges])


@pytest.mark.nightly
def test_the_job_sorts_out_a_hundred_thousand_messages(
    runtime: LocalRuntime, tmp_path: Path
) -> None:
    assert_flink_agrees(runtime, tmp_path, list(fuzz.messages(seed=3, count=100_000)))
