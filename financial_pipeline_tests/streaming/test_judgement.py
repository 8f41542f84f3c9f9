"""The judge in Python: the verdict and the typed fields of every message of the corpus."""

from decimal import Decimal

import pytest

from financial_pipeline.schemas import stream
from financial_pipeline.streaming.judgement import Verdict, judge
from financial_pipeline_tests.streaming import corpus
from financial_pipeline_tests.streaming.corpus import RECORD_MS, Example


def named(verdict: Verdict) -> str:
    if verdict.reason:
        return verdict.reason
    if verdict.is_heartbeat:
        return "heartbeat"
    return stream.BEHIND_ITS_PRODUCER if verdict.is_late else "aggregated"


def as_text(value: object) -> object:
    return value if value is None or isinstance(value, int) else str(value)


EXAMPLES = corpus.read()


@pytest.mark.parametrize("example", EXAMPLES, ids=[one.name for one in EXAMPLES])
def test_a_message_of_the_corpus_gets_its_verdict(example: Example) -> None:
    found = judge(example.value, RECORD_MS)
    assert named(found) == example.verdict
    assert {name: as_text(found.fields[name]) for name in example.typed} == example.typed


def changed(**fields: str) -> bytes:
    """Return the sound message with other JSON in some fields."""
    return corpus.message(corpus.SOUND | fields).encode()


def test_a_verdict_without_content_says_nothing_else() -> None:
    for value, reason in ((None, "null_value"), (b"[]", "not_a_json_object")):
        assert judge(value, RECORD_MS) == Verdict(
            reason, {}, is_heartbeat=False, is_late=False, watermark_us=None
        )


@pytest.mark.parametrize(
    ("mark_us", "says_time"),
    [
        ((RECORD_MS + 60_000) * 1000 + 999, True),
        ((RECORD_MS + 60_001) * 1000, False),
        (RECORD_MS * 5000, False),
        (0, True),
    ],
)
def test_a_watermark_counts_up_to_a_minute_after_its_record(mark_us: int, says_time: bool) -> None:
    found = judge(changed(watermark_us=str(mark_us), open='"-1"'), RECORD_MS)
    assert found.reason == ("bad_price" if says_time else "from_the_future")
    assert found.watermark_us == (mark_us if says_time else None)


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("99999999999999.99994", "99999999999999.9999"),
        ("99999999999999.99995", None),
        ("0.00005", "0.0001"),
        ("0.00004", "0.0000"),
        ("1", "1.0000"),
    ],
)
def test_a_price_is_rounded_half_up_to_four_places(text: str, price: str | None) -> None:
    found = judge(changed(open=f'"{text}"'), RECORD_MS).fields["open"]
    assert found == (None if price is None else Decimal(price))


def test_the_corpus_has_every_verdict() -> None:
    verdicts = {"aggregated", "heartbeat", stream.BEHIND_ITS_PRODUCER}
    assert {one.verdict for one in EXAMPLES} == verdicts | set(stream.DEAD_LETTER_REASONS)
