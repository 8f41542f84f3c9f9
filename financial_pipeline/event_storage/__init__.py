"""Dagster event storages that write events in batches, and never a secret.

Next to `definitions` and `defs` the only importers of Dagster; `dagster.yaml` names the classes.
"""

from financial_pipeline.event_storage.sqlite import BatchedSqliteEventLogStorage

__all__ = ["BatchedSqliteEventLogStorage"]
