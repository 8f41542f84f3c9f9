"""Equal rows give equal content hashes, however they were stored."""

import hashlib
from decimal import Decimal

import polars as pl
import pytest

from financial_pipeline.publishing import content_hash
from financial_pipeline.publishing.content_hash import hash_frame, hash_parts, hashed_text

FRAME = pl.DataFrame(
    {
        "key": [1, 2, 3],
        "value": [0.1, 1 / 3, -0.0],
        "name": ["a", None, 'c,"d'],
        "money": [Decimal("1.10"), Decimal("2.00"), None],
        "line_number": [7, 8, 9],
    }
)


def test_hash_ignores_row_order_and_provenance() -> None:
    other = FRAME.reverse().with_columns(line_number=pl.lit(0))
    assert hash_frame(FRAME, ["key"]) == hash_frame(other, ["key"])


@pytest.mark.parametrize("keys", [[1, 2, 3, 4, 5], [5, 3, 4, 1, 2], [2, 1, None, 4, 3], []])
def test_hash_is_that_of_the_whole_text_in_order_of_the_key(
    keys: list[int | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Three batches of text.
    monkeypatch.setattr(content_hash, "TEXT_ROWS", 2)
    names = [None if key is None else f"row {key}" for key in keys]
    frame = pl.DataFrame(
        {"day": "a", "key": keys, "name": names}, schema_overrides={"key": pl.Int64}
    )
    whole = hashed_text(frame.sort("day", "key"))
    assert hash_frame(frame, ["day", "key"]) == hashlib.sha256(whole).hexdigest()


def test_hash_ignores_digits_beyond_the_ninth() -> None:
    near = FRAME.with_columns(pl.col("value") * (1 + 1e-13))
    far = FRAME.with_columns(pl.col("value") * (1 + 1e-7))
    assert hash_frame(FRAME, ["key"]) == hash_frame(near, ["key"])
    assert hash_frame(FRAME, ["key"]) != hash_frame(far, ["key"])


def test_hash_tells_null_from_empty_text() -> None:
    filled = FRAME.with_columns(pl.col("name").fill_null(""))
    assert hash_frame(FRAME, ["key"]) != hash_frame(filled, ["key"])


@pytest.mark.parametrize("text", ["plain", 'a "quoted", text', "two\nlines", "a\x85b"])
def test_parts_have_the_hashes_that_they_have_alone(text: str) -> None:
    frame = pl.DataFrame(
        {"day": ["b", "a", "b"], "key": [2, 1, 1], "x": [0.1, -0.0, None], "t": [text, "", None]}
    )
    parts = hash_parts(frame, ["key"], pl.col("day"))
    alone = {day: hash_frame(frame.filter(pl.col("day") == day), ["key"]) for day in ("a", "b")}
    assert parts == alone
