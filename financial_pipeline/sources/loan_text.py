"""The notation of one loan file, decided per column on evidence, and read as upstream's.

R and SQL tools write words for missing values, other date forms, dollar signs and grouped digits;
some files have per cent as fractions. `survey` looks at the whole file; `as_upstream` rewrites its
columns, so that every engine sees upstream's own forms.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from financial_pipeline.schemas.lending_club import MONTH_COLUMNS, TEXT_COLUMNS
from financial_pipeline.schemas.loan_rules import (
    CODES,
    DOLLAR_COLUMNS,
    FREE_TEXT_COLUMNS,
    MISSING_WORDS,
    MOST_EMPLOYMENT_YEARS,
    NUMBER_COLUMNS,
    OLDER_CODES,
    OUTSIDE_POLICY,
    PERCENT_COLUMNS,
    STATUS_PREFIX,
    WORDED_COLUMNS,
)
from financial_pipeline.sources.month_text import other_forms

# Typed by people or free of form: a word for a missing value counts if the numbers use it too.
FREE: Final = frozenset({*FREE_TEXT_COLUMNS, "url", "hardship_reason"})
CODED: Final = (TEXT_COLUMNS - FREE) | WORDED_COLUMNS
# `1,234,567` and `1,234.5` group digits; `10,65` has a decimal comma; `1,234` may be either.
GROUPED_DIGITS: Final = r"^[+-]?\d{1,3}(?:(?:,\d{3}){2,}(?:\.\d*)?|(?:,\d{3})+\.\d*)$"
ONE_GROUP: Final = r"^[+-]?\d{1,3},\d{3}$"
ANY_GROUPS: Final = r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?$"
# Characters that spreadsheets write around or into an id: ="1001", '1001, 1,001, 1 001, 0001001,
# 1001.00. Digits are grouped by commas, by blanks of any width, or by apostrophes as in
# Switzerland.
ID_TEXT: Final = r"""^(?:=?"|')?0*(\d+(?:[,'’\s]\d{3})*)(?:\.0+)?"?$"""
ID_GROUPING: Final = r"[,'’\s]"
DECIMAL_COMMA: Final = r"^[+-]?\d*,(?:\d{1,2}|\d{4,})$"


@dataclass(frozen=True)
class TextForms:
    """The differences of a file's notation from upstream's; empty for upstream's own files."""

    # Words for missing values, as the numbers and months of the file write them.
    missing: tuple[str, ...] = ()
    # Month column or code column -> text of the file -> upstream's text.
    words: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    grouped: frozenset[str] = frozenset()
    decimal_commas: frozenset[str] = frozenset()


def _is_missing(column: str) -> pl.Expr:
    return pl.col(column).str.strip_chars().str.to_lowercase().is_in(("", *MISSING_WORDS))


def _bare(column: str) -> pl.Expr:
    """The text of a number without blanks, dollar sign and per cent sign."""
    text = pl.col(column).str.strip_chars()
    if column in PERCENT_COLUMNS:
        text = text.str.strip_suffix("%").str.strip_chars()
    if column in DOLLAR_COLUMNS:
        text = text.str.replace(r"^([+-]?)\$\s*", "$1")
    return text


def _unique(raw: pl.LazyFrame, expressions: Mapping[str, pl.Expr]) -> dict[str, list[str | None]]:
    lists = [values.unique().implode().alias(name) for name, values in expressions.items()]
    if not lists:
        return {}
    row = raw.select(lists).collect(engine="streaming").row(0, named=True)
    return {name: list(values) for name, values in row.items()}


def survey(raw: pl.LazyFrame) -> TextForms:
    """The forms of a file whose upstream columns are all text."""
    present = [name for name, kind in raw.collect_schema().items() if kind == pl.String()]
    numbers = [name for name in present if name in NUMBER_COLUMNS]
    months = [name for name in present if name in MONTH_COLUMNS]
    kept = {name: pl.col(name).filter(_is_missing(name)) for name in (*numbers, *months)}
    attested = {word for words in _unique(raw, kept).values() for word in words if word}
    grouped, decimal = _commas(raw, numbers)
    dates = _unique(raw, {name: pl.col(name) for name in months})
    others = {text for texts in dates.values() for text in texts}
    words: dict[str, Mapping[str, str | None]] = {
        name: dict(forms) for name, texts in dates.items() if (forms := other_forms(texts, others))
    }
    return TextForms(
        missing=tuple(sorted(attested)),
        words=words | code_forms(raw),
        grouped=grouped,
        decimal_commas=decimal,
    )


def code_forms(raw: pl.LazyFrame) -> dict[str, dict[str, str | None]]:
    """Per code column: texts that are a code in another case, its older word, or none (null)."""
    present = [name for name in raw.collect_schema() if name in CODES]
    found = {}
    for name, texts in _unique(raw, {name: pl.col(name) for name in present}).items():
        known: dict[str, str | None] = dict.fromkeys(MISSING_WORDS)
        known |= OLDER_CODES.get(name, {})
        known |= {code.lower(): code for code in _codes(name)}
        forms = {
            text: known[text.strip().lower()]
            for text in texts
            if text and text not in _codes(name) and text.strip().lower() in known
        }
        if forms:
            found[name] = forms
    return found


def _codes(column: str) -> tuple[str, ...]:
    """The codes of a column as upstream writes them."""
    if column != "loan_status":
        return CODES[column]
    outside = (f"{OUTSIDE_POLICY} {STATUS_PREFIX}{status}" for status in CODES[column])
    return (*CODES[column], *outside)


def _commas(raw: pl.LazyFrame, numbers: list[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The columns that group digits by commas, and those with a decimal comma.

    Dollars and counts never have three decimals, so that `1,234` groups digits there; a column of
    per cent in which nothing decides is left as it is, and its rows break a rule.
    """
    any_comma = [pl.col(name).str.contains(",", literal=True).any() for name in numbers]
    if not any_comma:
        return frozenset(), frozenset()
    has_comma = raw.select(any_comma).collect(engine="streaming").row(0, named=True)
    suspects = [name for name, has in has_comma.items() if has]
    forms = {
        f"{name}|{kind}": _bare(name).str.contains(pattern).any()
        for name in suspects
        for kind, pattern in (
            ("groups", GROUPED_DIGITS),
            ("group", ONE_GROUP),
            ("decimal", DECIMAL_COMMA),
            ("point", r"\."),
        )
    }
    if not forms:
        return frozenset(), frozenset()
    seen = raw.select(**forms).collect(engine="streaming").row(0, named=True)
    grouped, decimal = set(), set()
    for name in suspects:
        if seen[f"{name}|decimal"]:
            if not seen[f"{name}|groups"] and not seen[f"{name}|point"]:
                decimal.add(name)
        elif seen[f"{name}|groups"] or (seen[f"{name}|group"] and name in DOLLAR_COLUMNS):
            grouped.add(name)
    return frozenset(grouped), frozenset(decimal)


def _number(column: str, forms: TextForms) -> pl.Expr:
    text = _bare(column)
    if column in forms.grouped:
        is_grouped = text.str.contains(ANY_GROUPS)
        text = pl.when(is_grouped).then(text.str.replace_all(",", "")).otherwise(text)
    if column in forms.decimal_commas:
        text = text.str.replace(",", ".", literal=True)
    return pl.when(~_is_missing(column)).then(text)


def employment_words(text: pl.Expr) -> pl.Expr:
    """Years as upstream words them: `<1 year`, `10+` and the bare number of cleaned files too."""
    bare = text.str.strip_chars().str.extract(r"^(?:&lt;|<|less than) *(1)(?: *years?)?$")
    years = text.str.strip_chars().str.extract(r"^(\d+)(?:\.0+)?\+?(?: *years?)?$").cast(pl.Int64)
    return (
        pl.when(bare.is_not_null() | (years == 0))
        .then(pl.lit("< 1 year"))
        .when(years == 1)
        .then(pl.lit("1 year"))
        .when(years == MOST_EMPLOYMENT_YEARS)
        .then(pl.lit("10+ years"))
        .when(years < MOST_EMPLOYMENT_YEARS)
        .then(pl.format("{} years", years))
        .otherwise(text)
    )


def as_upstream(
    raw: pl.LazyFrame, forms: TextForms, only: Collection[str] | None = None
) -> pl.LazyFrame:
    """The text columns, or `only` some, as upstream would write them.

    A text that has no such form is left as it is.
    """
    expressions = []
    for name, kind in raw.collect_schema().items():
        if kind != pl.String() or (only is not None and name not in only):
            continue
        if name == "id":
            digits = _bare(name).str.extract(ID_TEXT).str.replace_all(ID_GROUPING, "")
            text = pl.coalesce(digits, _bare(name))
            expressions.append(pl.when(~_is_missing(name)).then(text).alias(name))
        elif name in NUMBER_COLUMNS:
            expressions.append(_number(name, forms).alias(name))
        elif name in MONTH_COLUMNS or name in CODED:
            text = pl.col(name)
            if name in WORDED_COLUMNS:
                text = text.str.to_lowercase()
            if name == "emp_length":
                text = employment_words(text)
            if name in forms.words:
                text = text.replace(forms.words[name])
            expressions.append(pl.when(~_is_code_missing(name)).then(text).alias(name))
        elif name in FREE and forms.missing:
            text = pl.col(name)
            expressions.append(pl.when(~text.is_in(forms.missing)).then(text).alias(name))
    return raw.with_columns(expressions)


def _is_code_missing(column: str) -> pl.Expr:
    """A missing value of a code; a code that is also such a word (`NONE`, `n/a`) is none."""
    codes = CODES.get(column, ())
    return _is_missing(column) & ~pl.col(column).str.strip_chars().is_in(codes)
