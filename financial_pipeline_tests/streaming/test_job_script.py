"""The job's SQL files: their columns are the contract's, and every value is filled in."""

import re
from pathlib import Path

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.java_classes import SOURCES
from financial_pipeline.schemas import stream
from financial_pipeline.settings import Settings
from financial_pipeline.streaming import job_script as job_script_module
from financial_pipeline.streaming import local_stream, strict_json
from financial_pipeline.streaming.job_script import JOB_FOLDER, SINKS, JobValues, job_script

MOST_LINES = 60
VALUES = JobValues("127.0.0.1:9092", client={"sasl.jaas.config": "it's secret"})

JUDGE = (SOURCES / "Judge.java").read_text("utf-8")


def test_flink_writes_the_columns_of_the_contract() -> None:
    script = job_script(VALUES)
    assert (
        "create table alerts_topic (`schema_version` bigint, `alert_id` string, `symbol` string,"
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
    read = re.findall(r'fields\.(?:text|integer|decimal|price|day)\("(\w+)"', JUDGE)
    assert sorted(read) == sorted(column.name for column in stream.RAW)


def test_the_job_writes_every_column_of_its_topics_by_name() -> None:
    assert (
        "insert into dead_letters_topic select `schema_version`, `reason`, `source_partition`,"
        " `source_offset`, `record_ms`, `payload`, `payload_bytes` from dead_letters;"
    ) in job_script(VALUES)


@pytest.mark.parametrize(
    ("constant", "value"),
    [
        ("LONGEST_MESSAGE = 65_535", stream.MAX_MESSAGE_BYTES),
        ("LONGEST_NUMBER = 1000", strict_json.LONGEST_NUMBER),
        ("DEEPEST_LEVEL = 64", strict_json.DEEPEST_LEVEL),
        ("FUTURE_MS = 60_000", stream.FUTURE_TOLERANCE_MS),
    ],
)
def test_both_judges_have_the_same_limits(constant: str, value: int) -> None:
    assert f"{constant}," in JUDGE or f"{constant};" in JUDGE
    assert int(constant.split(" = ")[1]) == value


def test_both_judges_have_the_same_longest_source() -> None:
    assert f'SOURCE = Pattern.compile("\\".{{0,{stream.MAX_SOURCE_LENGTH}}}"' in JUDGE


def test_a_script_has_no_open_placeholder_and_quotes_secrets() -> None:
    script = job_script(VALUES)
    assert "${" not in script
    assert "'properties.sasl.jaas.config' = 'it''s secret'" in script
    assert script.count("sink.delivery-guarantee") == len(SINKS)


def test_an_unknown_placeholder_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "source.sql").write_text("create table messages with ('topic' = '${nothing}');")
    monkeypatch.setattr(job_script_module, "JOB_FOLDER", tmp_path)
    with pytest.raises(PipelineError, match=r"source\.sql asks for \$\{nothing\}"):
        job_script(VALUES)


def test_sql_files_stay_within_their_size() -> None:
    lengths = {
        path.name: len(path.read_text("utf-8").splitlines()) for path in JOB_FOLDER.iterdir()
    }
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_a_checkpoint_belongs_to_the_sinks_of_the_job_too(monkeypatch: pytest.MonkeyPatch) -> None:
    before = local_stream.job_facts(Settings())
    assert local_stream.job_facts(Settings()) == before
    monkeypatch.setattr(local_stream, "SINKS", {"bars": SINKS["bars"]})
    assert local_stream.job_facts(Settings()) != before
