"""The entry point of Dagster: every asset, check, job, schedule and sensor under `defs/`."""

import warnings
from pathlib import Path

import dagster as dg

from financial_pipeline.defs.automation.below import with_automation
from financial_pipeline.defs.columns import with_columns


def _completed(spec: dg.AssetSpec) -> dg.AssetSpec:
    return with_columns(with_automation(spec))


@dg.definitions
def defs() -> dg.Definitions:
    """All definitions of the project; each asset has its columns, and follows its upstreams."""
    loaded = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    with warnings.catch_warnings():
        # In preview in the pinned Dagster, and the only way that reaches dbt's assets too.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return loaded.map_resolved_asset_specs(func=_completed)
