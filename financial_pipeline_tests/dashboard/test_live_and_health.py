"""Live says how the stream stands; Health says what is late, red or unexplained."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import polars as pl

from financial_pipeline.dashboard.stream_figures import STALL_SECONDS, Pulse, span, stall_words
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline_tests.dashboard import world
from financial_pipeline_tests.dashboard.app import metrics, open_page, words

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_running_stream_shows_its_counts_and_no_banner(data_root: Path) -> None:
    world.stream(Paths(data_root), datetime.now(UTC))
    publication.publish(Paths(data_root), ["test"], world.SIMULATED)
    app = open_page(data_root, "live")
    assert not app.exception
    assert not app.error
    shown = metrics(app)
    assert (shown["Watermark age"], shown["Lag"], shown["Bars"]) == ("30 s", "7", "3")
    assert (shown["Late"], shown["Dead letters"]) == ("1", "2")
    assert "stream/market_alerts is not published" in words(app)
    assert "3 bars compared, 0 differ: stream and batch are equal" in words(app)


def test_standing_stream_shows_a_banner(data_root: Path) -> None:
    world.stream(Paths(data_root), datetime.now(UTC) - timedelta(minutes=10))
    publication.publish(Paths(data_root), ["test"], world.SIMULATED)
    app = open_page(data_root, "live")
    assert not app.error
    said = app.info[0].value
    assert said.startswith("The stream is stopped; start it with `financial-pipeline stream up`")
    assert "last observed 10 min ago" in said
    assert said.endswith("Not landed yet: 7 messages.")


def test_a_stream_without_a_bar_advises_no_other_selection(data_root: Path) -> None:
    paths = Paths(data_root)
    world.stream(paths, datetime.now(UTC))
    none = pl.DataFrame(schema={"symbol": pl.String})
    world.put(paths, "stream/market_bars_1m", none)
    publication.publish(paths, ["test"], world.SIMULATED)
    said = words(open_page(data_root, "live"))
    assert "No bar has arrived yet." in said
    assert "Choose another" not in said


def test_stall_begins_after_its_limit() -> None:
    at_limit = Pulse(NOW - timedelta(seconds=STALL_SECONDS), None, 0, "flink")
    assert stall_words(NOW, at_limit) is None
    assert stall_words(NOW + timedelta(seconds=1), at_limit)
    never = stall_words(NOW, Pulse(None, None, 0, "")) or ""
    assert never.startswith("The stream was never observed; start it with")


def test_watermark_of_simulated_trades_is_held_against_their_world() -> None:
    watermark, start = datetime(2019, 3, 29, 20, tzinfo=UTC), datetime(2019, 3, 31, tzinfo=UTC)
    assert Pulse(NOW, watermark, 0, "flink", start).watermark_age == 28 * 3600
    assert Pulse(NOW, start + timedelta(hours=2), 0, "flink", start).watermark_age == 0
    assert Pulse(NOW, NOW - timedelta(seconds=30), 0, "flink", start).watermark_age == 30


def test_the_newest_alert_is_no_watermark(data_root: Path) -> None:
    paths = Paths(data_root)
    now = datetime.now(UTC)
    world.stream(paths, now)
    key = "stream/status"
    rows = pl.read_parquet(parquet_files(paths, publication.Publication(paths, "test").newest(key)))
    old = rows.with_columns(
        topic=pl.lit("market_alerts"), watermark_at=pl.lit(now - timedelta(days=2)), lag=pl.lit(0)
    )
    world.put(paths, key, pl.concat([rows, old], how="vertical_relaxed"))
    publication.publish(paths, ["test"], world.SIMULATED)
    assert metrics(open_page(data_root, "live"))["Watermark age"] == "30 s"


def test_span_uses_the_largest_fitting_unit() -> None:
    spans = [span(seconds) for seconds in (5, 600, 10_800, 864_000)]
    assert spans == ["5 s", "10 min", "3 h", "10 days"]


def test_health_counts_what_is_red(whole_world: Path) -> None:
    app = open_page(whole_world, "health")
    shown = metrics(app)
    assert shown["Overdue tables"] == "1"
    assert (shown["Failing checks"], shown["Failed runs"]) == ("1", "1")
    assert "of 2, 1 blocking" in words(app)
    assert (shown["Lines read"], shown["Quarantined"], shown["Unexplained lines"]) == (
        "10",
        "2",
        "0",
    )


def test_health_links_to_the_asset_in_dagster(whole_world: Path) -> None:
    app = open_page(whole_world, "health")
    tables = next(t.value for t in app.dataframe if "content hash" in t.value.columns)
    assert "http://127.0.0.1:3000/assets/exports/fct_loans" in set(tables["asset"])


def test_the_newest_alerts_come_first_with_their_rule(data_root: Path) -> None:
    world.stream(Paths(data_root), datetime.now(UTC))
    alert = {"symbol": "JPM", "close": 100.0}
    rules = (("return_zscore", "warning", 4.5), ("volume_zscore", "critical", -6.5))
    rows = [
        alert | {"window_start_us": 1_553_869_800_000_000 + place * 60_000_000}
        | {"rule": r, "severity": s, "zscore": z, "alert_id": r}
        for place, (r, s, z) in enumerate(rules)
    ]  # fmt: skip
    world.put(Paths(data_root), "stream/market_alerts", pl.DataFrame(rows), "2019-03-29")
    publication.publish(Paths(data_root), ["test"], world.SIMULATED)
    app = open_page(data_root, "live")
    assert metrics(app)["Alerts"] == "2"
    shown = next(table.value for table in app.dataframe if "rule" in table.value.columns)
    assert shown[["rule", "severity", "zscore"]].to_numpy().tolist() == [
        ["volume zscore", "critical", -6.5],
        ["return zscore", "warning", 4.5],
    ]


def test_rows_outside_the_period_are_not_counted_with_lines_without_data(data_root: Path) -> None:
    file = {"dataset": "bank_prices", "file_name": "JPM.csv", "file_sha256": "f"}
    went = [
        ("note", "header", 1),
        ("note", "before_first_session", 56),
        ("staged", "staged", 43),
    ]
    lines = [file | {"category": c, "reason": r, "physical_lines": n} for c, r, n in went]
    rows = pl.DataFrame(lines).with_columns(file_physical_lines=pl.lit(100))
    world.put(Paths(data_root), "exports/row_accounting", rows, None)
    publication.publish(Paths(data_root), ["test"], world.SIMULATED)
    app = open_page(data_root, "health")
    assert metrics(app)["Outside the period"] == "56"
    assert metrics(app)["Unexplained lines"] == "0"
    shown = next(table.value for table in app.dataframe if "not_data" in table.value.columns)
    assert (shown["outside_period"][0], shown["not_data"][0]) == (56, 1)
    assert shown["reasons"][0] == "before_first_session 56, header 1"


def checks_shown(data_root: Path, *checks: tuple[str, bool, str, bool, str]) -> pd.DataFrame:
    """The table of the Health page for checks: name, whether it blocks, severity, result, facts."""
    world.operations(Paths(data_root))
    names = ("check_name", "blocking", "severity", "passed", "metadata_json")
    rest = {"asset_key": "exports/fct_loans", "partition": None, "description": ""}
    rest |= {"run_id": "r1", "evaluated_at": NOW}
    rows = [rest | dict(zip(names, check, strict=True)) for check in checks]
    frame = pl.DataFrame(rows, schema_overrides=world.TEXT)
    world.put(Paths(data_root), "operations/check_results", frame)
    publication.publish(Paths(data_root), ["test"], world.SIMULATED)
    tables = open_page(data_root, "health").dataframe
    return next(table.value for table in tables if "found" in table.value.columns)


def test_a_failing_check_says_what_it_found_and_what_to_do(data_root: Path) -> None:
    dbt = '{"dagster_dbt/failed_row_count": 1234, "unique_id": "test.a", "status": "fail"}'
    shown = checks_shown(
        data_root,
        ("a_blocks", True, "ERROR", False, dbt),
        ("b_warns", False, "WARN", False, '{"missing": ["x", "y"]}'),
    )
    assert shown["found"].tolist() == ["failed rows 1,234", "missing x; y"]
    assert shown["what_to_do"][0].startswith("The table stays at its last version: repair")
    assert shown["what_to_do"][1].startswith("The table is published: judge its figures")


def test_only_a_failed_check_has_a_severity_in_plain_words(data_root: Path) -> None:
    shown = checks_shown(
        data_root,
        ("a_blocks", True, "ERROR", False, "{}"),
        ("b_warns", False, "WARN", False, "{}"),
        ("c_fails", False, "ERROR", False, "{}"),
        ("d_passes", True, "ERROR", True, "{}"),
    )
    assert shown["severity"].tolist() == [
        "error, stops the table",
        "warning",
        "error, stops nothing",
        None,
    ]


def test_health_shows_the_quarantined_lines_with_their_reason_and_text(data_root: Path) -> None:
    paths = Paths(data_root)
    world.operations(paths)
    publication.publish(paths, ["test"], world.SIMULATED)
    row = {"file_name": "JPM.csv", "line_number": 7, "reason": "close_not_positive"}
    lines = pl.DataFrame([row | {"original_text": "2018-01-02," + "9" * 400}])
    paths.staging("quarantine").mkdir(parents=True)
    lines.write_parquet(paths.staging("quarantine") / "f.parquet")
    # Of a file that this version does not have.
    lines.write_parquet(paths.staging("quarantine") / "g.parquet")
    app = open_page(data_root, "health")
    shown = next(t.value for t in app.dataframe if "original_text" in t.value.columns)
    assert shown.to_numpy().tolist() == [
        ["close not positive", "JPM.csv", 7, "2018-01-02," + "9" * 289]
    ]
