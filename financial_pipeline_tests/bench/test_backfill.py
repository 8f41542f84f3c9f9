"""The backfill benchmark materializes what it says, and reports one form."""

from pathlib import Path

import pytest

from financial_pipeline.bench import backfill

DAYS = 12


@pytest.mark.nightly
def test_backfill_benchmark_materializes_every_day_of_every_asset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(tmp_path))
    result = backfill.run(DAYS, 3)
    assert list(result) == [
        "name",
        "partitions",
        "assets",
        "ours_seconds",
        "empty_seconds",
        "stock_empty_seconds",
        "stock_partitions",
        "ratio",
        "events",
        "ms_per_event",
        "storage",
    ]
    assert result["events"] == DAYS * int(result["assets"])
    # Raw, staging, two tables of the warehouse, one export and four metrics.
    assert int(result["assets"]) == 9
    assert list((tmp_path / "bench").iterdir()) == []
