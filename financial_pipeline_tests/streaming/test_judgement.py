"""The judge in Python: the verdict and the typed fields of every message of the corpus."""

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


def test_the_corpus_has_every_verdict() -> None:
    verdicts = {"aggregated", "heartbeat", stream.BEHIND_ITS_PRODUCER}
    assert {one.verdict for one in EXAMPLES} == verdicts | set(stream.DEAD_LETTER_REASONS)
