"""The contract of a published table: the meaning of a row, its key and columns, and its storage."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

Column = TypeVar("Column", covariant=True)


@dataclass(frozen=True)
class Table(Generic[Column]):
    """One published table. `columns` maps names to types; it is empty if dbt owns the columns."""

    layer: str
    name: str
    # What one row is, as a sentence.
    grain: str
    # The columns that identify a row.
    keys: tuple[str, ...]
    columns: Mapping[str, Column] = field(default_factory=dict)
    # The column whose value, as text, is the partition key of a row; a table without is one file.
    partition: str = ""
    # Whether a file contains one partition, or all partitions (dates) of one calendar year.
    one_file_per: Literal["partition", "year"] = "partition"
    # The column whose newest value the freshness policy compares.
    event_date: str | None = None
    # Columns that describe the moment or the log, not the content: left out of the content hash.
    unhashed: tuple[str, ...] = ()
    # Rows of a file are sorted by these columns, then by key; None keeps the order of the writer.
    order: tuple[str, ...] | None = ()
    # Numbers whose mean is compared with the version before; a large shift is a warning.
    watched: tuple[str, ...] = ()
    # The job that builds the table, and its subject.
    family: str = ""
    domain: str = ""
    # The asset that writes the table, if it is not the asset of the same name.
    written_by: str | None = None
    # The topic that the rows come from, if they come from one.
    topic: str | None = None

    @property
    def key(self) -> str:
        """Layer and name, as in the asset key: `exports/fct_loans`."""
        return f"{self.layer}/{self.name}"


# How a column is compared with its recomputation: keys and labels are equal, integers are equal,
# sums agree within 1e-9 relative, ratios within 1e-6; drawn values come from random resampling and
# are checked for order and range only.
Role = Literal["key", "label", "integer", "sum", "ratio", "drawn"]


@dataclass(frozen=True)
class MetricColumn:
    """One column: its Spark type and its role in the comparison of engines."""

    type: str
    role: Role


MetricTable = Table[MetricColumn]
