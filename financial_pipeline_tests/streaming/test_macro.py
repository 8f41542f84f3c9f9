"""Macro releases as messages: the contract, the order, and what is not sent again."""

import json
from typing import Any

import pytest

from financial_pipeline.schemas import stream
from financial_pipeline.schemas.macro_release import MacroRelease
from financial_pipeline.streaming import macro

FIRST = MacroRelease("UNRATE", "2011-02-01", "2011-03-04", None, "8.9", "simulated")
REVISED = FIRST._replace(realtime_start="2011-04-02", value="9.0")
OLD = MacroRelease("GNP", "1946-01-01", "1947-02-03", "1950-01-01", None, "alfred")


class Memory:
    partitions = 1

    def __init__(self) -> None:
        self.sent: list[tuple[int, int, bytes | None, bytes | None]] = []

    def send(self, partition: int, record_ms: int, key: bytes | None, value: bytes | None) -> None:
        self.sent.append((partition, record_ms, key, value))

    def flush(self) -> None:
        pass


def test_a_message_has_the_columns_of_the_contract_and_reads_as_the_release() -> None:
    value = macro.encode(FIRST)
    names = {column.name for column in stream.TOPICS[stream.MACRO_TOPIC]}
    assert set(json.loads(value)) == names
    assert macro.decode(value) == FIRST
    assert macro.decode(macro.encode(OLD)) == OLD


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": 2},
        {"series_id": "../../etc"},
        {"observation_date": "2011-2-1"},
        {"realtime_start": None},
        {"realtime_end": "never"},
        {"value": 8.9},
        {"value": "}"},
        {"value": "1e999"},
        {"source": "hearsay"},
    ],
)
def test_a_message_outside_the_contract_is_no_release(change: dict[str, Any]) -> None:
    content = json.loads(macro.encode(FIRST)) | change
    assert macro.decode(json.dumps(content).encode()) is None


def test_a_message_without_a_version_is_no_release() -> None:
    content = json.loads(macro.encode(FIRST))
    del content["schema_version"]
    assert macro.decode(json.dumps(content).encode()) is None


@pytest.mark.parametrize("value", [None, b"", b"[]", b"\xff", b'{"series_id": "UNRATE"}'])
def test_bytes_that_are_no_object_are_no_release(value: bytes | None) -> None:
    assert macro.decode(value) is None


def test_releases_go_out_by_publication_and_only_once() -> None:
    sink = Memory()
    assert macro.send(sink, [REVISED, FIRST, OLD], there={FIRST}) == (2, 1)
    assert [macro.decode(value) for *_, value in sink.sent] == [OLD, REVISED]
    # 2011-04-02 at midnight UTC; Kafka knows no time before 1970.
    assert [(record, key) for _, record, key, _ in sink.sent] == [
        (0, b"GNP"),
        (1_301_702_400_000, b"UNRATE"),
    ]
