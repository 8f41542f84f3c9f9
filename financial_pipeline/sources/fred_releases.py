"""Single releases out of the API's answer over all vintages, and back into its form."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Final

from financial_pipeline.schemas.macro_release import MacroRelease

ROWS_PER_REQUEST: Final = 100_000
FIRST_DAY, LAST_DAY = "1776-07-04", "9999-12-31"
MISSING: Final = "."
FIELDS: Final = ("realtime_start", "realtime_end", "date", "value")

Row = dict[str, str]


def api_document(rows: Sequence[Row]) -> bytes:
    """The API's JSON answer over all vintages with these rows, one observation a line."""
    observations = ",\n".join(json.dumps({name: row[name] for name in FIELDS}) for row in rows)
    head = json.dumps(
        {
            "realtime_start": FIRST_DAY,
            "realtime_end": LAST_DAY,
            "units": "lin",
            "output_type": 1,
            "file_type": "json",
            "order_by": "observation_date",
            "sort_order": "asc",
            "count": len(rows),
            "offset": 0,
            "limit": max(ROWS_PER_REQUEST, len(rows)),
        }
    )
    return f'{head[:-1]}, "observations": [\n{observations}\n]}}\n'.encode()


def _day_before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def releases(document: bytes, series_id: str, source: str) -> list[MacroRelease]:
    """The releases of an answer over all vintages, by observation and publication."""
    rows = json.loads(document)["observations"]
    rows.sort(key=lambda row: (row["date"], row["realtime_start"]))
    found = []
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        end = row["realtime_end"]
        is_replaced = (
            following is not None
            and following["date"] == row["date"]
            and _day_before(following["realtime_start"]) == end
        )
        is_valid = is_replaced or end == LAST_DAY
        value = None if row["value"] == MISSING else row["value"]
        found.append(
            MacroRelease(
                series_id,
                row["date"],
                row["realtime_start"],
                None if is_valid else end,
                value,
                source,
            )
        )
    return found


def release_document(some: Iterable[MacroRelease]) -> bytes:
    """Releases of one series in the form of an answer over all vintages.

    A value is valid until the day before the next one of the same observation, as far as the
    document knows. Of two statements on one publication the later one counts.
    """
    newest = {(one.observation_date, one.realtime_start): one for one in some}
    by_day: dict[str, list[MacroRelease]] = defaultdict(list)
    for (day, _), one in sorted(newest.items()):
        by_day[day].append(one)
    rows = []
    for day, versions in by_day.items():
        followed = [_day_before(one.realtime_start) for one in versions[1:]]
        for one, end in zip(versions, [*followed, LAST_DAY], strict=True):
            known = min(one.realtime_end or LAST_DAY, end)
            value = MISSING if one.value is None else one.value
            rows.append(dict(zip(FIELDS, (one.realtime_start, known, day, value), strict=True)))
    return api_document(rows)
