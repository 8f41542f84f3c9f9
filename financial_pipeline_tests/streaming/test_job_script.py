"""The job's SQL files: their columns are the contract's, and every value is filled in."""

import re
from pathlib import Path

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.java_classes import SOURCES
from financial_pipeline.schemas import stream
from financial_pipeline.streaming import strict_json
from financial_pipeline.streaming.job_script import JOB_FOLDER, SINKS, JobValues, job_script

MOST_LINES = 60
VALUES = JobValues("127.0.0.1:9092", client={"sasl.jaas.config": "it's secret"})

JUDGE = (SOURCES / "Judge.java").read_text("utf-8")


def test_flink_writes_the_columns_of_the_contract() -> None:
    script = job_script(VALUES)
    assert (
        "create table market_alerts (`schema_version` bigint, `alert_id` string, `symbol` string,"
        " `session_date` date, `window_start_us` bigint, `bar_seconds` bigint, `rule` string,"
        " `severity` string, `zscore` double, `close` decimal(18, 4), `revision` bigint,"
        " `source` string) with (" in script
    )
    assert "`record_ms` bigint, `payload` bytes, `payload_bytes` bigint) with (" in script


def test_the_judge_types_every_raw_column_as_the_contract_does() -> None:
    row = re.search(r"String ROW = (.*?);\n", JUDGE, re.DOTALL)
    assert row
    text = "".join(re.findall(r'"(.*?)"', row[1])).removeprefix("row<").removesuffix(">")
    pairs = [part.strip().split(" ", 1) for part in re.split(r",(?![^(]*\))", text)]
    typed = [(name.strip("`"), kind) for name, kind in pairs]
    assert typed[: len(stream.RAW)] == stream.flink_columns(stream.RAW_TOPIC)


def test_the_judge_reads_the_columns_of_the_contract() -> None:
    fields = re.search(r"FIELDS = List.of\((.*?)\);", JUDGE, re.DOTALL)
    assert fields
    assert re.findall(r'"(\w+)"', fields[1]) == [column.name for column in stream.RAW]


@pytest.mark.parametrize(
    ("constant", "value"),
    [
        ("LONGEST_MESSAGE = 65_535", stream.MAX_MESSAGE_BYTES),
        ("LONGEST_NUMBER = 1000", strict_json.LONGEST_NUMBER),
        ("DEEPEST_LEVEL = 64", strict_json.DEEPEST_LEVEL),
        ("LONGEST_SOURCE = 255", stream.MAX_SOURCE_LENGTH),
        ("FUTURE_MS = 60_000", stream.FUTURE_TOLERANCE_MS),
    ],
)
def test_both_judges_have_the_same_limits(constant: str, value: int) -> None:
    assert f"{constant}," in JUDGE or f"{constant};" in JUDGE
    assert int(constant.split(" = ")[1]) == value


def test_a_script_has_no_open_placeholder_and_quotes_secrets() -> None:
    script = job_script(VALUES)
    assert "${" not in script
    assert "'properties.sasl.jaas.config' = 'it''s secret'" in script
    assert script.count("sink.delivery-guarantee") == len(SINKS)


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
