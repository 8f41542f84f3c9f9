"""The drop folder as external assets, so that lineage starts where people put their files."""

import dagster as dg

from financial_pipeline.schemas.raw import RAW_DATASETS


@dg.definitions
def landing() -> dg.Definitions:
    """The drop folder as external assets, one per dataset."""
    specs = [
        dg.AssetSpec(["landing", name], description=dataset.files)
        for name, dataset in RAW_DATASETS.items()
    ]
    return dg.Definitions(assets=specs)
