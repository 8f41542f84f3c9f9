"""The restatement ledger: each price file that arrives is compared with the stored prices.

Yahoo rewrites the past after every split and dividend. The last ten stored sessions are compared,
which is enough to see it; before them only a session that changed otherwise than its neighbours is
noted, as a correction. Changes are noted with their reasons, and nothing stored is lost.
"""

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

import polars as pl

from financial_pipeline.files import Content, append_lines, recorded_lines
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import PublishedTable
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.raw import archive
from financial_pipeline.raw.restatement_reasons import Row, explain, new_actions, unnamed_split
from financial_pipeline.raw.withdrawals import DAMAGED
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.schemas.restatements import PRICE_RESTATEMENTS
from financial_pipeline.sources import bank_prices
from financial_pipeline.sources.market_calendar import sessions
from financial_pipeline.sources.price_layout import layout_of
from financial_pipeline.transforms.bank_prices import clean
from financial_pipeline.transforms.price_scales import LARGEST_MOVE, SCALE_UNKNOWN

OVERLAP_SESSIONS: Final = 10
FIELDS: Final = ("open", "high", "low", "close", "adjusted_close", "volume")
# Single-precision noise of Yahoo's prices is far below this share, a dividend far above it.
TOLERANCE: Final = 1e-5
# Rounding of rescaled prices to cents, in dollars.
ROUNDING: Final = 0.011
# Sessions around an old one; their median change is the usual change at that time.
NEIGHBOURS: Final = 21
NAME: Final = "price_restatements"


def read_prices(content: Content, subject: str, arrived: datetime) -> pl.DataFrame:
    """The sound rows of a price file: symbol, session_date, prices, volume and actions."""
    if layout_of(content.path) is None:
        return pl.DataFrame(schema=dict.fromkeys(("symbol", "session_date"), pl.String()))
    read = bank_prices.read_file(content, subject.split(","))
    dated = read.lines.records
    possible = dated["session_date"].is_between(bank_prices.EARLIEST, date.today())
    days = dated["session_date"].filter(possible)
    first, last = days.min(), days.max()
    cleaned = clean(
        bank_prices.judge_arrival(dated, arrived),
        adjusted_only=read.adjusted_only,
        sessions=sessions(first, last),  # type: ignore[arg-type]
        first_session=first,  # type: ignore[arg-type]
    )
    return cleaned.rows.sort("session_date")


_kept_prices = lru_cache(maxsize=bank_prices.KEPT_FILES)(read_prices)


def prices_of(file: RawFile, symbol: str) -> pl.DataFrame:
    """The rows of one symbol of an archived price file, with the file's hash."""
    content = Content(file.sha256, file.archived_path)
    rows = _kept_prices(content, file.landed.subject or "", file.fetched_at)
    return rows.filter(pl.col("symbol") == symbol).with_columns(file_sha256=pl.lit(file.sha256))


def last_stored(files: Sequence[RawFile], symbol: str) -> pl.DataFrame:
    """The last ten sessions of a symbol that these files contain, newer files before older ones."""
    holding = [file for file in files if symbol in (file.landed.subject or "").split(",")]
    rows = _newest_rows(holding, symbol, lambda rows: rows.height >= OVERLAP_SESSIONS)
    return rows.tail(OVERLAP_SESSIONS)


def _rows_of_days(files: Sequence[RawFile], symbol: str, days: pl.Series) -> pl.DataFrame:
    """The sessions of a symbol, with all of `days` that any file has.

    Of whole histories, which overlap, the newest one has them all.
    """
    return _newest_rows(
        files, symbol, lambda rows: days.is_in(rows["session_date"].implode()).all()
    )


def _newest_rows(
    files: Sequence[RawFile], symbol: str, are_enough: Callable[[pl.DataFrame], bool]
) -> pl.DataFrame:
    """The sessions of a symbol, from newer files before older ones until they are enough."""
    rows: pl.DataFrame | None = None
    by_age = sorted(files, key=lambda f: (f.fetched_at, f.landed.last_date), reverse=True)
    for file in by_age:
        part = prices_of(file, symbol)
        rows = part if rows is None else pl.concat([rows, part])
        rows = rows.unique("session_date", keep="first", maintain_order=True)
        if are_enough(rows):
            break
    return pl.DataFrame() if rows is None else rows.sort("session_date")


def compare(stored: pl.DataFrame, new: pl.DataFrame) -> list[Row]:
    """Compare `new` with the stored sessions of one symbol, field by field, with a reason.

    Both have `session_date`, FIELDS, `dividend` and `split_ratio`. A field that either side lacks
    is not compared.
    """
    if stored.is_empty() or new.is_empty():
        return []
    both = stored.join(new, on="session_date", suffix="_new").sort("session_date")
    actions = new_actions(stored, new) or unnamed_split(both)
    rows = []
    for row in both.iter_rows(named=True):
        for field in FIELDS:
            old, now = row[field], row[f"{field}_new"]
            if old is None or now is None or abs(now - old) <= TOLERANCE * abs(old):
                continue
            later = [item for item in actions if item["session_date"] > row["session_date"]]
            changed = {"session_date": row["session_date"], "field": field}
            changed |= {"old_value": float(old), "new_value": float(now)}
            rows.append(changed | explain(field, old, now, later))
    return rows


def corrections(stored: pl.DataFrame, new: pl.DataFrame) -> list[Row]:
    """The values of `new` that changed by another factor than most of their neighbours did.

    A split or a dividend changes all sessions before it by one factor, and is no correction. Both
    frames have `session_date` and FIELDS.
    """
    both = stored.join(new, on="session_date", suffix="_new").sort("session_date")
    found = []
    for field in FIELDS:
        pairs = both.select("session_date", old_value=field, new_value=f"{field}_new").drop_nulls()
        old, now = (pl.col(name).cast(pl.Float64) for name in ("old_value", "new_value"))
        factor = pl.when(old != 0).then(now / old)
        usual = factor.rolling_median(NEIGHBOURS, center=True, min_samples=1).fill_null(1.0)
        rounding = pl.when((usual - 1).abs() > TOLERANCE).then(ROUNDING).otherwise(0.0)
        is_changed = (now - old).abs() > TOLERANCE * old.abs()
        is_far = (now - old * usual).abs() > TOLERANCE * old.abs() + rounding
        rows = pairs.filter(is_changed, is_far).with_columns(old, now, field=pl.lit(field))
        found += rows.to_dicts()
    return [row | {"reason": "correction", "event_date": None} for row in found]


def rewrites_history(rows: Sequence[Row]) -> bool:
    """Whether a change reaches beyond the sessions that were compared: adjusted closes moved."""
    return any(row["field"] in ("close", "adjusted_close") for row in rows)


def _ledger(paths: Paths) -> Path:
    return paths.raw / f"{NAME}.jsonl"


def _lines(paths: Paths) -> list[Row]:
    return recorded_lines(_ledger(paths), DAMAGED)


def record(paths: Paths) -> int:
    """Compare each archived price file that was not compared yet, in order of arrival.

    Returns the number of ledger rows added. A file is compared once, so the ledger only grows.
    """
    known = {line["file_sha256"] for line in _lines(paths)}
    files = archive.current_files(paths, bank_prices.DATASET)
    lines = []
    for place, file in enumerate(files):
        if file.sha256 not in known:
            lines.append({"file_sha256": file.sha256, "rows": _rows_of(file, files[:place])})
    if lines:
        append_lines(_ledger(paths), (json.dumps(line, default=str) for line in lines))
    return sum(len(line["rows"]) for line in lines)


def _rows_of(file: RawFile, before: Sequence[RawFile]) -> list[Row]:
    rows = []
    for symbol in (file.landed.subject or "").split(","):
        stored = last_stored(before, symbol)
        if stored.is_empty():
            continue
        new = prices_of(file, symbol)
        overlapping = _overlapping(file, symbol, before)
        changes = compare(stored, new)
        if overlapping:
            is_older = pl.col("session_date") < stored["session_date"][0]
            rest = _rows_of_days(overlapping, symbol, new.filter(is_older)["session_date"])
            changes += corrections(rest.filter(is_older), new)
            stored = pl.concat([rest.filter(is_older), stored])
        else:
            rows += _seam_rows(stored, new, file, symbol)
        old_files = dict(stored.select("session_date", "file_sha256").iter_rows())
        for row in changes:
            row |= {"symbol": symbol, "old_file_sha256": old_files[row["session_date"]]}
            rows.append(row | {"new_file_sha256": file.sha256, "restated_at": file.fetched_at})
    return rows


def _overlapping(file: RawFile, symbol: str, before: Sequence[RawFile]) -> list[RawFile]:
    """The earlier files of the symbol that have sessions within the range of this one."""
    return [
        other
        for other in before
        if symbol in (other.landed.subject or "").split(",")
        and other.landed.first_date <= file.landed.last_date
        and file.landed.first_date <= other.landed.last_date
    ]


def _seam_rows(stored: pl.DataFrame, new: pl.DataFrame, file: RawFile, symbol: str) -> list[Row]:
    """One row for a file that begins after the stored sessions: both closes at the seam."""
    if new.is_empty() or new["session_date"][0] <= stored["session_date"][-1]:
        return []
    old, now = stored["close"][-1], new["close"][0]
    if old is None or now is None:
        return []
    is_far = abs(now / old - 1) > LARGEST_MOVE
    return [
        {
            "symbol": symbol,
            "session_date": new["session_date"][0],
            "field": "close",
            "old_value": old,
            "new_value": now,
            "reason": SCALE_UNKNOWN if is_far else "no_common_session",
            "event_date": None,
            "old_file_sha256": stored["file_sha256"][-1],
            "new_file_sha256": file.sha256,
            "restated_at": file.fetched_at,
        }
    ]


def ledger(paths: Paths) -> pl.DataFrame:
    """All ledger rows in PRICE_RESTATEMENTS form, sorted by key; none of a refused file."""
    files = archive.read_raw_files(paths, bank_prices.DATASET)
    refused = {file.sha256 for file in files if file.refused is not None}
    lines = [line for line in _lines(paths) if line["file_sha256"] not in refused]
    rows = [row for line in lines for row in line["rows"]]
    texts = {name: pl.String() for name in ("session_date", "event_date", "restated_at")}
    frame = pl.DataFrame(rows, {**PRICE_RESTATEMENTS.columns, **texts})
    return frame.with_columns(
        pl.col("session_date", "event_date").str.to_date(),
        pl.col("restated_at").str.to_datetime(time_unit="us", time_zone="UTC"),
    ).sort(PRICE_RESTATEMENTS.keys)


def export(paths: Paths) -> PublishedTable:
    """Write the ledger into a new version."""
    return write_table(paths, PRICE_RESTATEMENTS, ledger(paths))
