"""The columns of each asset: their schema and lineage, as metadata of Dagster."""

from typing import Any

import dagster as dg

from financial_pipeline.lineage.catalogue import Column, catalogue


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
