"""The job's SQL files: their columns are the contract's, and every value is filled in."""

import re
from pathlib import Path

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas import stream
from financial_pipeline.schemas.market_event import MarketEvent
from financial_pipeline.streaming.job_script import JOB_FOLDER, JobValues, job_script
from financial_pipeline.streaming.messages import encode, encode_heartbeat

TABLES = {
    "market_bars": stream.BARS_TOPIC,
    "market_indicators": stream.INDICATORS_TOPIC,
    "market_alerts": stream.ALERTS_TOPIC,
    "dead_letters": stream.DEAD_LETTER_TOPIC,
    "late_messages": stream.LATE_TOPIC,
}
MOST_LINES = 60
VALUES = JobValues("127.0.0.1:9092", client={"sasl.jaas.config": "it's secret"})

TRADE = MarketEvent(
    1_553_002_200_000_000,
    "JPM",
    1,
    "105.0000",
    "105.5000",
    "104.0000",
    "105.2500",
    100,
    3,
    "10525.0000",
    "trades",
    "2019-03-19",
    "simulated",
    1_553_002_200_000_000,
)
A_BAR = TRADE._replace(trades=None, vwap_basis="close", source="local_file", symbol="BRK.B")
ODD_DAY = A_BAR._replace(session_date=None, volume=0, source="yfinance")


def sink_columns(table: str) -> list[tuple[str, str]]:
    text = (JOB_FOLDER / "sink.sql").read_text("utf-8")
    body = re.search(rf"create table {table} \((.*?)\n\) with", text, re.DOTALL)
    assert body
    parts = re.split(r",(?![^(]*\))", " ".join(body[1].split()))
    pairs = (part.strip().split(" ", 1) for part in parts)
    return [(name.strip("`"), kind) for name, kind in pairs]


@pytest.mark.parametrize("table", TABLES)
def test_flink_writes_the_columns_of_the_contract(table: str) -> None:
    expected = stream.flink_columns(TABLES[table])
    # The JSON format writes bytes as base64.
    expected = [(name, "bytes" if name == "payload" else kind) for name, kind in expected]
    assert sink_columns(table) == expected


def test_flink_types_every_raw_column_as_the_contract_does() -> None:
    text = (JOB_FOLDER / "messages.sql").read_text("utf-8")
    casts = dict(
        (m[1], m[0]) for m in re.findall(r"as ([a-z]+(?:\(\d+, \d+\))?)\) as `?(\w+)", text)
    )
    texts = {column.name for column in stream.RAW if column.kind == "text"}
    expected = {name: kind for name, kind in stream.flink_columns(stream.RAW_TOPIC)}
    assert casts == {name: kind for name, kind in expected.items() if name not in texts}
    assert all(re.search(rf"\) as {name}\b", text) for name in texts)


def test_the_canonical_form_has_the_columns_in_the_order_of_the_contract() -> None:
    columns = [column.name for column in stream.RAW]
    for name in ("forms.sql", "messages.sql"):
        text = (JOB_FOLDER / name).read_text("utf-8")
        assert re.findall(r'"(\w+)":', text) == columns


@pytest.mark.parametrize("event", [TRADE, A_BAR, ODD_DAY])
def test_what_a_producer_writes_is_canonical(event: MarketEvent) -> None:
    text = (JOB_FOLDER / "forms.sql").read_text("utf-8")
    pattern = "".join(
        re.findall(r"'(.*)'", text[text.index("regexp(") : text.index("'canonical'")])
    )
    assert re.search(pattern, encode(event, event.event_us).decode())
    assert re.search(pattern, encode_heartbeat(event.event_us, event.event_us, 7).decode())
    assert not re.search(pattern, encode(event._replace(low="1.5"), event.event_us).decode())


def test_a_script_has_no_open_placeholder_and_quotes_secrets() -> None:
    script = job_script(VALUES)
    assert "${" not in script
    assert "'properties.sasl.jaas.config' = 'it''s secret'" in script
    assert script.count("sink.delivery-guarantee") == len(TABLES)


def test_an_unknown_placeholder_is_refused_by_name(tmp_path: Path) -> None:
    source = tmp_path / "source.sql"
    source.write_text("create table messages (line string) with ('topic' = '${nothing}');")
    with pytest.raises(PipelineError, match="nothing"):
        job_script(VALUES, source=source)


def test_sql_files_stay_within_their_size() -> None:
    lengths = {
        path.name: len(path.read_text("utf-8").splitlines()) for path in JOB_FOLDER.iterdir()
    }
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}
