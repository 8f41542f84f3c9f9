"""The kinds of a message's columns, and what each is called in Flink."""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["integer", "price", "amount", "real", "text", "date"]
FLINK_TYPES: Final[dict[Kind, str]] = {
    "integer": "bigint",
    "price": "decimal(18, 4)",
    "amount": "decimal(38, 4)",
    "real": "double",
    "text": "string",
    "date": "date",
}


@dataclass(frozen=True)
class Column:
    """One field of a message: its JSON name, kind, whether it may be null, and what it says."""

    name: str
    kind: Kind
    description: str
    nullable: bool = False
