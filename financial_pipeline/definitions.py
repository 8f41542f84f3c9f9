"""The entry point of Dagster: every asset, check, job, schedule and sensor under `defs/`."""

import warnings
from functools import lru_cache, partial

import dagster as dg

from financial_pipeline.defs.asset_defaults import (
    with_columns,
    with_freshness,
    with_owner_and_layer,
)
from financial_pipeline.defs.automation.conditions import with_automation
from financial_pipeline.defs.code_versions import VERSIONED, Versions
from financial_pipeline.settings import PROJECT_ROOT, Settings


def _complete_spec(spec: dg.AssetSpec, versions: Versions) -> dg.AssetSpec:
    complete = with_columns(with_freshness(with_automation(with_owner_and_layer(spec))))
    if spec.key.path[0] in VERSIONED:
        return complete.replace_attributes(code_version=versions.code("/".join(spec.key.path)))
    return complete


@dg.definitions
def defs() -> dg.Definitions:
    """Load all definitions of the project and complete the spec of each asset.

    Dagster asks several times per process; equal settings give what was loaded before.
    """
    return _load(Settings().model_dump_json())


@lru_cache(maxsize=1)
def _load(_settings: str) -> dg.Definitions:
    loaded = dg.load_from_defs_folder(path_within_project=PROJECT_ROOT)
    versions = Versions(Settings())
    with warnings.catch_warnings():
        # A preview in the pinned Dagster, and the only mapping that reaches dbt's assets too.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return loaded.map_resolved_asset_specs(func=partial(_complete_spec, versions=versions))
