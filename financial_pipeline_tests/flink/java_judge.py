"""The judge of the Flink job in a Java process of its own, and the one in Python, as text."""

import struct
import subprocess
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from financial_pipeline.local_cluster.java import find_flink, find_java
from financial_pipeline.local_cluster.java_classes import class_path, compile_classes
from financial_pipeline.local_cluster.runtime import RuntimePlan
from financial_pipeline.schemas import stream
from financial_pipeline.streaming.judgement import judge
from financial_pipeline_tests.streaming.corpus import RECORD_MS

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
