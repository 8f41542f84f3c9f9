"""Reads of one page run: the manifest once, then cached answers over the tables it names.

An answer is kept under the folders of the tables it was computed from. A new version of a table is
a new folder, so it shows at the next rerun, and an unchanged table costs nothing.
"""

import os
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import polars as pl
import streamlit as st

from financial_pipeline.errors import PipelineError
from financial_pipeline.figures import synthetic
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import working_copy
from financial_pipeline.publishing.manifest import Manifest, PublishedTable, read_manifest
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.publishing.views import KeptSession
from financial_pipeline.settings import Settings

# Answers kept at most; each is small, because queries aggregate.
MAX_ANSWERS: Final = 600
# Open sessions at most: one for each layer, or layers, that a query reads, and those of pages that
# started before the newest version. The stream has a version a minute and sessions of its own, so
# that it does not close those of the loans.
MAX_SESSIONS: Final = 8
MAX_STREAM_SESSIONS: Final = 2
RELEASE: Final = "release"
DATA_ROOT_VARIABLE: Final = "FINANCIAL_PIPELINE_DATA_ROOT"
# Commands that build missing tables: in a simulated world, and by layer for own files.
SIMULATED: Final = "Run `financial-pipeline demo`."
OWN_FILES: Final = {
    "exports": "Put the files into the drop folder, then run `financial-pipeline ingest` and"
    " `financial-pipeline transform`.",
    "operations": "Run `financial-pipeline transform`.",
    "stream": "Run `financial-pipeline stream up`, `financial-pipeline stream produce` and"
    " `financial-pipeline stream land`.",
}

LOANS: Final = "exports/fct_loans"
PRICES: Final = "exports/fct_daily_prices"
MACRO: Final = "exports/fct_macro_observations"
NAMES_OF_FILES: Final = {LOANS: "loan files", PRICES: "price files", MACRO: "macro series"}
# Metric -> its input marts; all other metrics, and the model, are computed from loans.
INPUTS: Final = {
    "metrics/macro_correlations": (LOANS, MACRO),
    **{
        f"metrics/{name}": (PRICES,)
        for name in ("rolling_volatility", "sharpe_ratios", "market_risk", "return_correlations")
    },
}


@dataclass(frozen=True)
class Release:
    """One published version, as a page sees it from its first line to its last."""

    paths: Paths
    manifest: Manifest

    @property
    def today(self) -> date:
        """The world clock: the last simulated day, else today."""
        clock = self.manifest.world.get("clock")
        return date.fromisoformat(str(clock)) if clock else datetime.now(UTC).date()

    @property
    def is_synthetic(self) -> bool:
        """True for the simulated world."""
        return bool(self.manifest.world.get("is_synthetic"))

    def synthetic_rows(self) -> list[dict[str, Any]]:
        """Count the rows of simulated files by table, as `figures.synthetic` does."""
        names = [name for name in synthetic.FACTS if not self.missing(synthetic.key(name))]
        tables = [self.rows(synthetic.query(name), synthetic.key(name)) for name in names]
        counts = [table.row(0, named=True) for table in tables]
        return [row for row in counts if row["synthetic_rows"]]

    @property
    def published_at(self) -> datetime:
        """Return the time at which this version became current, UTC."""
        return datetime.fromisoformat(self.manifest.published_at)

    def missing(self, *keys: str) -> list[str]:
        """Return those of the tables that are not published, or whose files are gone."""
        return [
            key
            for key in keys
            if key not in self.manifest.tables
            or not parquet_files(self.paths, self.manifest.tables[key])
        ]

    def how_to_build(self, *keys: str) -> str:
        """Describe the commands that build these tables."""
        if self.is_synthetic:
            return SIMULATED
        return " ".join(dict.fromkeys(map(self._how_from_files, keys)))

    def _how_from_files(self, key: str) -> str:
        layer = key.split("/")[0]
        if layer not in ("metrics", "ml"):
            return OWN_FILES[layer]
        inputs = INPUTS.get(key, (LOANS,))
        absent = [NAMES_OF_FILES[one] for one in inputs if one not in self.manifest.tables]
        if not absent:
            return "Run `financial-pipeline transform`."
        return f"It needs {' and '.join(absent)}. {OWN_FILES['exports']}"

    def table(self, key: str) -> PublishedTable:
        """Return the current version of `layer/name`; raise PipelineError if there is none."""
        return self.manifest.table(key)

    def rows(self, query: str, *keys: str, **values: Any) -> pl.DataFrame:
        """Answer one of the package's own queries over the named tables.

        `values` are bound to `$name` by DuckDB and never become text of the query.
        """
        folders = tuple(self.table(key).folder for key in keys)
        bound = tuple(sorted(values.items()))
        return _answer(str(self.paths.data_root), folders, query, bound, self, keys)

    def all_rows(self, query: str, *keys: str, **values: Any) -> pl.DataFrame:
        """Answer a query whose answer is too large to be kept, as `rows` does."""
        layers = {key.split("/")[0] for key in keys}
        tables = {k: table for k, table in self.manifest.tables.items() if table.layer in layers}
        folders = tuple(table.folder for table in tables.values())
        only = replace(self.manifest, tables=tables)
        opened = _stream_session if "stream" in layers else _session
        session = opened(str(self.paths.data_root), folders, self.paths, only)
        with session.reading(*keys) as cursor:
            frame = cursor.sql(query, params=values).pl()
        return frame.with_columns(pl.col(pl.Decimal).cast(pl.Float64))


@st.cache_data(max_entries=MAX_ANSWERS, show_spinner=False)
def _answer(
    data_root: str,
    folders: tuple[str, ...],
    query: str,
    values: tuple[tuple[str, Any], ...],
    _release: Release,
    _keys: tuple[str, ...],
) -> pl.DataFrame:
    return _release.all_rows(query, *_keys, **dict(values))


@st.cache_resource(max_entries=MAX_SESSIONS, show_spinner=False)
def _session(
    data_root: str, folders: tuple[str, ...], _paths: Paths, _manifest: Manifest
) -> KeptSession:
    return KeptSession(_paths, _manifest)


@st.cache_resource(max_entries=MAX_STREAM_SESSIONS, show_spinner=False)
def _stream_session(
    data_root: str, folders: tuple[str, ...], _paths: Paths, _manifest: Manifest
) -> KeptSession:
    return KeptSession(_paths, _manifest)


@cache
def _data_root(_environment: str | None) -> Path:
    # Reading all settings takes longer than reading the manifest; only this variable changes the
    # folder.
    return Settings().data_root.resolve()


def open_release() -> Release:
    """Read the manifest of the configured data root; raise PipelineError if there is none."""
    paths = Paths(_data_root(os.environ.get(DATA_ROOT_VARIABLE)))
    working_copy.refresh(paths)
    return Release(paths, read_manifest(paths))


def current() -> Release:
    """Return the release that this run of the app opened."""
    release = st.session_state.get(RELEASE)
    if not isinstance(release, Release):
        raise PipelineError("A page does not run alone; run `financial-pipeline dashboard`.")
    return release


def age_days(release: Release, key: str) -> int | None:
    """Return the days from the newest event of a table to the world clock; None without a date."""
    as_of = release.table(key).as_of
    return None if as_of is None else (release.today - date.fromisoformat(as_of[:10])).days
