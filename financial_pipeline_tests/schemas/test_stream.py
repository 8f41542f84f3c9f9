"""The stream contract: its JSON Schema file and the DuckDB columns say the same."""

import json
from typing import Any

import jsonschema
import pytest

from financial_pipeline.schemas import stream
from financial_pipeline_tests.schemas.message_schema import FILE, json_schema

BAR: dict[str, Any] = {
    "schema_version": 1,
    "event_us": 1_550_154_600_000_000,
    "symbol": "JPM",
    "sequence": 7,
    "open": "105.5400",
    "high": "105.5500",
    "low": "105.4850",
    "close": "105.5400",
    "volume": 246_177,
    "trades": None,
    "notional": "25981520.5800",
    "vwap_basis": "close",
    "session_date": "2019-02-14",
    "watermark_us": 1_550_154_595_000_000,
    "source": "files",
}


def raw_schema() -> dict[str, Any]:
    content = json.loads(FILE.read_text("utf-8"))
    return content["$defs"][stream.RAW_TOPIC]


def test_the_schema_file_is_what_the_lists_say() -> None:
    assert json.loads(FILE.read_text("utf-8")) == json_schema()


def test_the_schema_accepts_a_bar_and_a_heartbeat() -> None:
    jsonschema.validate(BAR, raw_schema())
    times = {name: BAR[name] for name in stream.HEARTBEAT_COLUMNS[stream.RAW_TOPIC]}
    jsonschema.validate(times | {"symbol": stream.HEARTBEAT_SYMBOL}, raw_schema())


@pytest.mark.parametrize("change", [{"open": "NaN"}, {"volume": 1.5}, {"session_date": "14/2"}])
def test_the_schema_refuses_wrong_types(change: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(BAR | change, raw_schema())
