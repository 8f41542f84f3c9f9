"""Landing of messages that break every contract: each lands unchanged, and the ledger moves on."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from financial_pipeline.paths import Paths
from financial_pipeline.schemas import stream
from financial_pipeline.streaming import macro_landing, tables
from financial_pipeline.streaming.landing import Landing
from financial_pipeline.streaming.message_log import FileLog
from financial_pipeline_tests.streaming import stream_world

RECORD_MS = 1_553_002_200_000
DAYS = ("infinity", "-infinity", "epoch", "0000-01-01", "10000-01-01", "-2019-04-01", "2019-4-1")
BC_DAYS = ("0044-03-15 (BC)", "2019-04-01 (BC)")
NO_OBJECTS = (None, b"", b"not json", b"[]", b"{}", b"null", b'"\\ud800"', b"\xff", b"[" * 5000)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
FIELDS = st.sampled_from(
    sorted({column.name for topic in stream.TOPICS.values() for column in topic})
)
ODD = (
    *DAYS,
    *BC_DAYS,
    "0001-01-01",
    "9999-12-31",
    "1e400",
    "-1e-400",
    "9" * 60,
    "\x00",
    "\ud800",
    "{",
    "}",
    10**15,
    10**30,
    -1,
    True,
    [],
    {},
)
OBJECTS = st.dictionaries(FIELDS, SCALARS | st.sampled_from(ODD)).map(
    lambda row: json.dumps(row).encode()
)
SOUND = {
    "text": "simulated",
    "date": "2019-03-19",
    "integer": 1,
    "price": "100.0000",
    "amount": 100,
    "real": 1.5,
}


def sound(topic: str) -> dict[str, object]:
    """A message that a topic's decoder reads."""
    fields: dict[str, object] = {one.name: SOUND[one.kind] for one in stream.TOPICS[topic]}
    return fields | ({"series_id": "UNRATE", "value": "4.0"} if "series_id" in fields else {})


@st.composite
def nearly_sound(draw: st.DrawFn, topic: str) -> bytes:
    """A message in which some fields are odd or absent, and perhaps a byte is another one."""
    row = sound(topic)
    for name in draw(st.lists(st.sampled_from(sorted(row)), max_size=3)):
        row[name] = draw(SCALARS | st.sampled_from(ODD))
    for name in draw(st.lists(st.sampled_from(sorted(row)), max_size=2)):
        row.pop(name, None)
    text = bytearray(json.dumps(row).encode())
    if draw(st.booleans()):
        text[draw(st.integers(0, len(text) - 1))] = draw(st.integers(0, 255))
    return bytes(text)


def lands(
    topic: str, values: list[bytes | None], record_ms: int = 1_553_002_200_000
) -> pl.DataFrame:
    """Land and publish the values; return the landed file after the values were compared."""
    with TemporaryDirectory() as folder:
        log = FileLog(Path(folder) / "log")
        log.append(topic, 0, [(record_ms, None, value) for value in values])
        landing = Landing(Paths(Path(folder) / "root"), log)
        if topic == stream.MACRO_TOPIC:
            macro_landing.land_macro(landing, "test")
        for waiting, ranges in landing.waiting((topic,)).items():
            landing.land(waiting, ranges, "test")
        tables.publish_landed(landing, {})
        assert landing.waiting((topic,)) == {}
        (landed,) = landing.ledger.ranges(topic)
        frame = pl.read_parquet(landing.folder / landed.file)
    assert frame["value"].to_list() == values
    return frame


@pytest.mark.parametrize("topic", stream.TOPICS)
def test_a_message_that_is_no_object_lands_with_its_reason(topic: str) -> None:
    assert lands(topic, list(NO_OBJECTS))["unreadable"].null_count() == 0


@pytest.mark.parametrize("topic", stream.TOPICS)
def test_a_session_date_outside_the_calendar_lands(topic: str) -> None:
    trade = stream_world.trade("JPM", 1, stream_world.OPENINGS_US[0])
    dates = [json.dumps(trade | {"session_date": day}).encode() for day in (*DAYS, *BC_DAYS)]
    assert lands(topic, list(dates))["unreadable"].null_count() == 0


@pytest.mark.parametrize("topic", stream.TOPICS)
@settings(max_examples=8, deadline=None)
@given(
    values=st.lists(st.none() | st.binary() | OBJECTS, min_size=1, max_size=20),
    record_ms=st.integers(min_value=-1, max_value=2**62),
)
def test_arbitrary_bytes_land(topic: str, values: list[bytes | None], record_ms: int) -> None:
    lands(topic, values, record_ms)


@pytest.mark.parametrize("topic", stream.TOPICS)
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_nearly_sound_messages_land(topic: str, data: st.DataObject) -> None:
    lands(topic, data.draw(st.lists(nearly_sound(topic), min_size=1, max_size=100)))


@pytest.mark.parametrize("topic", stream.TOPICS)
def test_a_message_without_any_one_field_lands(topic: str) -> None:
    whole = sound(topic)
    parts = [{name: whole[name] for name in whole if name != left_out} for left_out in whole]
    lands(topic, [json.dumps(part).encode() for part in [whole, *parts]])
