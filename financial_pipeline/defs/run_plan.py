"""The runs that landed files require: one per job, over the partitions that they touch."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache

import dagster as dg

from financial_pipeline import world
from financial_pipeline.defs.partitions import (
    APPLICATION_MONTHS,
    AS_OF_MONTHS,
    FILE_MONTHS,
    ISSUE_MONTHS,
    OBSERVATION_MONTHS,
    RELEASE_MONTHS,
    SESSIONS,
    SNAPSHOT_MONTHS,
    VINTAGE_QUARTERS,
)
from financial_pipeline.ml.populations import latest_cutoff
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.schemas.raw import LandedFile
from financial_pipeline.settings import Settings

LOAN_KEYS = (
    dg.AssetKey(["raw", "lending_club_loans"]),
    dg.AssetKey(["staging", "lending_club_loan_snapshots"]),
)
REJECTION_KEYS = (dg.AssetKey(["raw", "lending_club_rejections"]),)
SHARPE_KEYS = (dg.AssetKey(["metrics", "sharpe_ratios"]),)
# The newest correlations of defaults with the economy; older ones need a backfill.
AS_OF_MONTHS_SHOWN = 3

# Its partition depends on the maturity of the loans, which only the marts contain.
MODEL_JOB = "model_job"
LOANS_MART = "exports/fct_loans"
# Land what is on the topics; then the bars of the sessions that were sent.
TOPICS_JOB, BARS_JOB = "market_topics_job", "market_bars_job"
STREAM_JOBS = (TOPICS_JOB, BARS_JOB)

ByDataset = Mapping[str, Sequence[LandedFile]]


@dataclass(frozen=True)
class FamilyRun:
    """One run of one job: partitions (inclusive; None if unpartitioned) and assets to leave out."""

    job: str
    first: str | None = None
    last: str | None = None
    without: tuple[dg.AssetKey, ...] = ()

    @property
    def span(self) -> str:
        """Its partitions in words; empty for an unpartitioned run."""
        return f"{self.first} to {self.last}" if self.first else ""


@lru_cache(maxsize=32)
def _keys(partitions: dg.PartitionsDefinition, _today: date) -> Sequence[str]:
    """Return all partition keys, which change at most once a day."""
    return partitions.get_partition_keys()


def within(partitions: dg.PartitionsDefinition, first: date, last: date) -> tuple[str, str]:
    """Return the partition keys that span `first` to `last`, or the nearest existing ones."""
    keys = _keys(partitions, datetime.now(UTC).date())
    low = min(bisect_left(keys, first.isoformat()), len(keys) - 1)
    high = bisect_right(keys, last.isoformat()) - 1
    return keys[low], keys[max(high, low)]


def _events(
    job: str,
    partitions: dg.PartitionsDefinition,
    files: Sequence[LandedFile],
) -> FamilyRun:
    first, last = min(file.first_date for file in files), max(file.last_date for file in files)
    if partitions is not SESSIONS:
        first, last = first.replace(day=1), last.replace(day=1)
    return FamilyRun(job, *within(partitions, first, last))


def _arrivals(
    job: str,
    partitions: dg.PartitionsDefinition,
    files: Sequence[LandedFile],
    without: tuple[dg.AssetKey, ...] = (),
) -> FamilyRun:
    seen = [(file.snapshot_date or file.last_date).replace(day=1) for file in files]
    return FamilyRun(job, *within(partitions, min(seen), max(seen)), without)


def plan(
    landed: Sequence[LandedFile], *, analytics: bool, bars: tuple[str, str] | None = None
) -> list[FamilyRun]:
    """Return the runs of the landed files in order; a family without a file is left out.

    `bars` adds the market topics and the bars of a first to a last session, `analytics` the Spark
    metrics and the default model, which read exported tables.
    """
    by_dataset: dict[str, list[LandedFile]] = {}
    for file in landed:
        by_dataset.setdefault(file.dataset, []).append(file)
    loans = by_dataset.get("lending_club_loans", [])
    rejections = by_dataset.get("lending_club_rejections", [])
    runs = [FamilyRun("shared_job")]
    if loans or rejections:
        absent: tuple[dg.AssetKey, ...] = () if loans else LOAN_KEYS
        absent += () if rejections else REJECTION_KEYS
        runs.append(_arrivals("snapshots_job", FILE_MONTHS, [*loans, *rejections], absent))
    if loans:
        runs.append(_events("loans_job", ISSUE_MONTHS, loans))
    if rejections:
        runs.append(_events("rejections_job", APPLICATION_MONTHS, rejections))
    if prices := by_dataset.get("bank_prices"):
        runs.append(_events("prices_job", SESSIONS, prices))
    if macro := by_dataset.get("fred_observations"):
        runs.append(_arrivals("releases_job", RELEASE_MONTHS, macro))
        runs.append(_events("macro_job", OBSERVATION_MONTHS, macro))
    if bars:
        runs += [FamilyRun(TOPICS_JOB), FamilyRun(BARS_JOB, *bars)]
    return [*runs, *_analytics(by_dataset)] if analytics else runs


def _analytics(by_dataset: ByDataset) -> list[FamilyRun]:
    """Return the metric and model runs, which follow the tables that they read."""
    loans = by_dataset.get("lending_club_loans", [])
    prices, macro = by_dataset.get("bank_prices", []), by_dataset.get("fred_observations", [])
    runs = []
    if loans:
        runs += [_events("default_rates_job", ISSUE_MONTHS, loans), _vintages(loans)]
        runs += [_portfolio(loans), FamilyRun(MODEL_JOB)]
    if prices:
        market = _events("market_metrics_job", SESSIONS, prices)
        runs.append(market if macro else replace(market, without=SHARPE_KEYS))
    if loans and prices and macro:
        today = world.today(Settings()).replace(day=1)
        keys = within(AS_OF_MONTHS, date.min, today)
        shown = AS_OF_MONTHS.get_partition_keys_in_range(dg.PartitionKeyRange(*keys))
        runs.append(FamilyRun("macro_correlations_job", shown[-AS_OF_MONTHS_SHOWN:][0], shown[-1]))
    return runs


def at_latest_cutoff(run: FamilyRun, publication: Publication) -> FamilyRun:
    """Give a model run its training cut-off: the latest quarter whose outcomes are known.

    If no quarter is old enough, it is the first one, and its tables contain the reason.
    """
    if run.job != MODEL_JOB or LOANS_MART not in publication.known():
        return run
    first = Settings().first_cutoff
    cutoff = (latest_cutoff(publication.scan(LOANS_MART), first) or first).isoformat()
    return replace(run, first=cutoff, last=cutoff)


def _vintages(loans: Sequence[LandedFile]) -> FamilyRun:
    first = min(file.first_date for file in loans)
    quarter = first.replace(month=(first.month - 1) // 3 * 3 + 1, day=1)
    last = max(file.last_date for file in loans)
    return FamilyRun("vintages_job", *within(VINTAGE_QUARTERS, quarter, last))


def _portfolio(loans: Sequence[LandedFile]) -> FamilyRun:
    """Start at the first issue month: volume is known before the first snapshot."""
    seen = [(file.snapshot_date or file.last_date).replace(day=1) for file in loans]
    first = min(file.first_date for file in loans).replace(day=1)
    return FamilyRun("portfolio_job", *within(SNAPSHOT_MONTHS, first, max(seen)))
