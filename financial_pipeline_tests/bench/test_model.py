"""The model benchmark does the work of both sides on a small world and reports one form."""

from pathlib import Path

import pytest

from financial_pipeline.bench import model


@pytest.mark.nightly
def test_model_benchmark_reports_the_common_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(tmp_path))
    result = model.run(5_000, rounds=1, seed=1)
    assert list(result) == [
        "name",
        "loans",
        "matured_loans",
        "ours_seconds",
        "bare_seconds",
        "ratio",
        "ours_peak_mb",
        "bare_peak_mb",
    ]
    assert 1_000 < int(result["matured_loans"]) < 5_000
    assert float(result["ratio"]) > 0
    assert list((tmp_path / "bench").iterdir()) == []
