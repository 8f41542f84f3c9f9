"""The verdict on each raw line: staged, quarantined with a reason, or counted as a note."""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Cleaned:
    """A cleaned file: typed rows, refused lines, and physical lines by kind of note.

    `quarantined` has line_number, physical_lines, reason and original_text.
    """

    rows: pl.DataFrame
    quarantined: pl.DataFrame
    notes: dict[str, int]
    staged_lines: int


def first_reason(*rules: tuple[pl.Expr, str]) -> pl.Expr:
    """The reason of the first rule whose expression is true, else null; null counts as false."""
    return pl.coalesce(
        *(pl.when(broken.fill_null(False)).then(pl.lit(reason)) for broken, reason in rules)
    )


def duplicates(key: list[str], content: list[str]) -> pl.Expr:
    """`duplicate` for repeats of an identical row, `conflict` for every row of unequal ones.

    To be used on rows that broke no other rule; the first of identical rows stays.
    """
    versions = pl.struct(content).n_unique().over(key)
    repeat = pl.int_range(pl.len()).over(key) > 0
    return first_reason((versions > 1, "conflict"), (repeat, "duplicate"))


def sort_out(lines: pl.DataFrame, columns: list[str]) -> Cleaned:
    """Split lines by their verdict columns `reason` (of a quarantine) and `note`.

    Rows without either are staged and keep `columns`.
    """
    staged = lines.filter(pl.col("reason").is_null() & pl.col("note").is_null())
    noted = lines.filter(pl.col("note").is_not_null())
    counts = noted.group_by("note").agg(pl.col("physical_lines").sum()).sort("note")
    return Cleaned(
        rows=staged.select(columns),
        quarantined=lines.filter(pl.col("reason").is_not_null()).select(
            "line_number", "physical_lines", "reason", "original_text"
        ),
        notes=dict(counts.iter_rows()),
        staged_lines=int(staged["physical_lines"].sum()),
    )
