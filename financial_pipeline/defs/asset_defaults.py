"""Defaults of every asset: group, owner, kinds, freshness of live data, and columns."""

from datetime import timedelta
from typing import Any

import dagster as dg

from financial_pipeline.lineage.catalogue import Column, catalogue
from financial_pipeline.settings import Settings

OWNERS = ["team:data-engineering"]
KINDS = {
    "topics": {"kafka"},
    "raw": {"python", "csv"},
    "staging": {"polars", "parquet"},
    "dashboard": {"streamlit"},
}
# Five days are longer than any weekend with holidays; FRED's daily series lag up to two weeks.
PRICES_AGE = timedelta(days=5)
MACRO_AGE = timedelta(days=14)
FRESHNESS = {
    "raw/bank_prices": PRICES_AGE,
    "staging/bank_prices": PRICES_AGE,
    "exports/fct_daily_prices": PRICES_AGE,
    "raw/fred_observations": MACRO_AGE,
    "staging/fred_observations": MACRO_AGE,
    "exports/fct_macro_observations": MACRO_AGE,
}


def with_owner_and_layer(spec: dg.AssetSpec) -> dg.AssetSpec:
    """Return the spec in the group of its layer, with the project's owner and the layer's kinds.

    Kinds that the spec names itself stay.
    """
    layer = spec.key.path[0]
    kinds = spec.kinds or KINDS.get(layer, set())
    return spec.replace_attributes(owners=OWNERS, kinds=kinds, group_name=layer)


def with_freshness(spec: dg.AssetSpec) -> dg.AssetSpec:
    """Return the spec with its freshness policy; only live data is fetched on a schedule."""
    age = FRESHNESS.get("/".join(spec.key.path))
    if age is None or Settings().source != "live":
        return spec
    policy = dg.FreshnessPolicy.time_window(fail_window=age)
    return spec.replace_attributes(freshness_policy=policy)


def _schema(columns: dict[str, Column]) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, column.type or "?", column.description)
            for name, column in columns.items()
        ]
    )


def _lineage(columns: dict[str, Column]) -> dg.TableColumnLineage:
    ends = {name: [end.split(".", 1) for end in c.made_of] for name, c in columns.items()}
    return dg.TableColumnLineage(
        {
            name: [dg.TableColumnDep(dg.AssetKey(table.split("/")), end) for table, end in made_of]
            for name, made_of in ends.items()
            if made_of
        }
    )


def with_columns(spec: dg.AssetSpec) -> dg.AssetSpec:
    """Return the spec with `dagster/column_schema` and `dagster/column_lineage` of its table."""
    columns = catalogue().get("/".join(spec.key.path))
    if not columns:
        return spec
    metadata: dict[str, Any] = {
        "dagster/column_schema": _schema(columns),
        "dagster/column_lineage": _lineage(columns),
    }
    return spec.merge_attributes(metadata=metadata)
