"""The difference of two kept versions: rows added, removed and changed, by table and column."""

from collections.abc import Sequence
from typing import Any

from financial_pipeline.paths import Paths
from financial_pipeline.publishing.content_hash import PROVENANCE_COLUMNS
from financial_pipeline.publishing.duckdb_session import in_memory
from financial_pipeline.publishing.manifest import PublishedTable, read_version
from financial_pipeline.publishing.read_only import listed
from financial_pipeline.publishing.table_files import whole_files
from financial_pipeline.publishing.versions import reading
from financial_pipeline.schemas.contract import Table
from financial_pipeline.schemas.marts import MARTS
from financial_pipeline.schemas.metrics import METRIC_TABLES
from financial_pipeline.schemas.model import MODEL_TABLES
from financial_pipeline.schemas.restatements import LOAN_RESTATEMENTS, PRICE_RESTATEMENTS
from financial_pipeline.staging.row_accounting import TABLE as ROW_ACCOUNTING


def _scan(paths: Paths, table: PublishedTable, shared: set[int]) -> str:
    """Return the SQL of the files that the other version does not share."""
    files = whole_files(paths, table)
    own = [path for path in files if path.stat().st_ino not in shared]
    rows = f"read_parquet({listed(own or files[:1])}, union_by_name => true)"
    return f"(from {rows})" if own else f"(from {rows} limit 0)"


def _inodes(paths: Paths, table: PublishedTable) -> set[int]:
    return {path.stat().st_ino for path in whole_files(paths, table)}


def _differs(name: str, kind: str) -> str:
    """Return the SQL that compares a column as content hashes do: nine digits of a double."""
    if kind not in ("DOUBLE", "FLOAT"):
        return f'o."{name}" is distinct from n."{name}"'
    old, new = (f"format('{{:.8e}}', {side}.\"{name}\" + 0.0)" for side in "on")
    return f"{old} is distinct from {new}"


def changed_rows(
    paths: Paths, contract: Table[Any], one: PublishedTable, two: PublishedTable
) -> dict[str, Any]:
    """Return the rows added, removed and changed by key, and the changed rows by column.

    Files that both versions share are not read; DuckDB bounds the memory of the rest.
    """
    old = _scan(paths, one, _inodes(paths, two))
    new = _scan(paths, two, _inodes(paths, one))
    with in_memory() as connection:
        before, after = (connection.sql(each).columns for each in (old, new))
        left_out = {*contract.keys, *contract.unhashed, *PROVENANCE_COLUMNS}
        kinds = dict(zip(after, map(str, connection.sql(new).types), strict=True))
        names = [name for name in after if name in before and name not in left_out]
        on = " and ".join(f'o."{key}" is not distinct from n."{key}"' for key in contract.keys)
        key = contract.keys[0]
        different = {name: _differs(name, kinds[name]) for name in names}
        both = f'o."{key}" is not null and n."{key}" is not null'
        counts = [
            f'count(*) filter (o."{key}" is null)',
            f'count(*) filter (n."{key}" is null)',
            f"count(*) filter ({both} and ({' or '.join(different.values()) or 'false'}))",
            *(f"count(*) filter ({both} and {test})" for test in different.values()),
        ]
        query = f"select {', '.join(counts)} from {old} o full join {new} n on {on}"
        found = connection.execute(query).fetchone() or (0,) * len(counts)
    by_column = {name: n for name, n in zip(names, found[3:], strict=True) if n}
    return {
        "rows_added": found[0],
        "rows_removed": found[1],
        "rows_changed": found[2],
        "changed_by_column": by_column,
        "columns_added": [name for name in after if name not in before],
        "columns_removed": [name for name in before if name not in after],
    }


def _reason(
    contract: Table[Any], one: PublishedTable, two: PublishedTable, rows: dict[str, Any]
) -> list[str]:
    """Return the inputs whose content differs; `code or setting` if none of them does."""
    names = sorted({*one.built_from, *two.built_from} - {"files"})
    changed = [name for name in names if one.built_from.get(name) != two.built_from.get(name)]
    is_revised = rows["rows_changed"] or rows["rows_removed"]
    revision = "vintages" if contract.family == "macro" else "restatements"
    raw = f"raw files ({revision})" if is_revised else "raw files (new rows)"
    # A ledger of arrivals names no inputs.
    unchanged = "code or setting" if names else raw
    return [raw if name == "raw" else name for name in changed] or [unchanged]


def _contracts() -> dict[str, Table[Any]]:
    ledgers = (PRICE_RESTATEMENTS, LOAN_RESTATEMENTS, ROW_ACCOUNTING)
    groups = (MARTS.values(), METRIC_TABLES.values(), MODEL_TABLES.values(), ledgers)
    return {table.key: table for group in groups for table in group}


def diff(paths: Paths, first: str, second: str) -> list[dict[str, Any]]:
    """Return one entry per table that differs between two kept versions.

    Raises PipelineError if a version is unknown or pruned.
    """
    one, two = read_version(paths, first), read_version(paths, second)
    contracts = _contracts()
    entries: list[dict[str, Any]] = []
    with reading(paths, one.version), reading(paths, two.version):
        for key in sorted({*one.tables, *two.tables}):
            before, after = one.tables.get(key), two.tables.get(key)
            if before is None or after is None:
                rows = {
                    "rows_added": after.rows if after else 0,
                    "rows_removed": before.rows if before else 0,
                    "rows_changed": 0,
                    "changed_by_column": {},
                }
                entries.append({"table": key, **rows, "reason": ["new" if after else "gone"]})
            elif before.content_hash != after.content_hash:
                rows = changed_rows(paths, contracts[key], before, after)
                reason = _reason(contracts[key], before, after, rows)
                entries.append({"table": key, **rows, "reason": reason})
    return entries


def as_text(entries: Sequence[dict[str, Any]]) -> str:
    """Return the entries of `diff` as one paragraph per table."""
    lines = []
    for each in entries:
        counts = f"{each['rows_added']:,} added, {each['rows_removed']:,} removed"
        lines.append(f"{each['table']}: {counts}, {each['rows_changed']:,} changed")
        lines += [f"    {name}: {n:,}" for name, n in each["changed_by_column"].items()]
        lines.append(f"    because: {', '.join(each['reason'])}")
    return "\n".join(lines) or "The two versions have equal tables."
