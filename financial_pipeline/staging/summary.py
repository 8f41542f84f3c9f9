"""What staging a dataset did: the numbers that an asset reports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True)
class StagingSummary:
    """Rows written and quarantined, rows per partition key, raw files read, newest event.

    `remarks` tell what was reconciled, `warnings` what a person should look at.
    """

    rows: int
    quarantined: int
    partitions: dict[str, int]
    files: int
    newest_event: date | None
    warnings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    # Partition key -> what is wrong with that partition, in one sentence.
    faults: Mapping[str, str] = field(default_factory=dict)
