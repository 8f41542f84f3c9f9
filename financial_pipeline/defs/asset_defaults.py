"""Defaults of every asset: group, owner, the kinds of its layer, how fresh live data should be."""

from datetime import timedelta

import dagster as dg

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
