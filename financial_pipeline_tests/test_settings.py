"""Every setting is explained in `.env.example`, with its default."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from financial_pipeline import settings
from financial_pipeline.figures.generated_pages import variable
from financial_pipeline.settings import Settings
from financial_pipeline_tests.conftest import PROJECT_ROOT

EXAMPLE = PROJECT_ROOT / ".env.example"
LINES = EXAMPLE.read_text("utf-8").splitlines()
ENTRY = re.compile(r"#([A-Z_]+)=(.*)")


def test_example_lists_every_setting_and_nothing_else() -> None:
    listed = [found.group(1) for line in LINES if (found := ENTRY.fullmatch(line))]
    assert sorted(listed) == sorted(variable(name) for name in Settings.model_fields)


def test_every_setting_follows_a_line_that_explains_it() -> None:
    bare = [
        line
        for before, line in pairwise(LINES)
        if ENTRY.fullmatch(line) and not re.fullmatch(r"# \w.+", before)
    ]
    assert bare == []


def test_example_shows_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    copied = tmp_path / ".env"
    copied.write_text(re.sub(r"(?m)^#(?=[A-Z_]+=)", "", EXAMPLE.read_text("utf-8")), "utf-8")
    shown, defaults = Settings(_env_file=copied), Settings(_env_file=None)
    shown_values, values = (each.model_dump(exclude={"data_root"}) for each in (shown, defaults))
    assert shown_values == values


@pytest.mark.parametrize("text", ["JPM,MS", '["JPM","MS"]', "JPM, MS,"])
def test_names_may_be_a_list_with_commas(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_SYMBOLS", text)
    assert Settings(_env_file=None).symbols == ("JPM", "MS")


def test_symbols_and_series_are_codes_and_each_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_SYMBOLS", "jpm,JPM,brk-b")
    monkeypatch.setenv("FINANCIAL_PIPELINE_FRED_SERIES", "unrate")
    settings = Settings(_env_file=None)
    assert (settings.symbols, settings.fred_series) == (("JPM", "BRK-B"), ("UNRATE",))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("first_issue_month", "2015-01-15"),
        ("first_observation_month", "1947-01-31"),
        ("max_quarantine_share", "1.5"),
        ("max_quarantine_share", "-0.01"),
        ("default_lag_months", "-1"),
        ("alert_smtp_port", "0"),
    ],
)
def test_a_setting_that_would_change_figures_unnoticed_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"FINANCIAL_PIPELINE_{name.upper()}", value)
    with pytest.raises(ValueError, match=name):
        Settings(_env_file=None)


@pytest.mark.parametrize(
    ("gib", "container_gib", "share"),
    [(24, None, 6), (16, None, 4), (8, None, 2), (2, None, 1), (64, None, 6), (64, 8, 2)],
)
def test_memory_of_duckdb_is_a_quarter_of_the_machine_or_container(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    gib: int,
    container_gib: int | None,
    share: int,
) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text("max" if container_gib is None else str(container_gib * 2**30))
    monkeypatch.setattr(settings, "CONTROL_GROUP", limit)
    monkeypatch.setattr("os.sysconf", {"SC_PAGE_SIZE": 2**10, "SC_PHYS_PAGES": gib * 2**20}.get)
    monkeypatch.delenv("FINANCIAL_PIPELINE_DUCKDB_MEMORY", raising=False)
    assert Settings().duckdb_memory == f"{share}GB"
