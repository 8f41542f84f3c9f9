"""The topics as external assets: somebody else writes them, the sensor observes them."""

import dagster as dg

from financial_pipeline.schemas import stream

TOPICS = {
    stream.RAW_TOPIC: "Trades and bars as producers send them, with their own watermark.",
    stream.BARS_TOPIC: "One bar per symbol and minute, and the heartbeats of each minute.",
    stream.INDICATORS_TOPIC: "Rolling volatility, z-scores and realised variance of each bar.",
    stream.ALERTS_TOPIC: "Bars far from the 60 before them, with a deterministic id.",
    stream.LATE_TOPIC: "Messages behind the watermark, as they came.",
    stream.DEAD_LETTER_TOPIC: "Messages that could not be read, with reason, bytes and offset.",
    stream.MACRO_TOPIC: "Macro releases with their vintage.",
}
# What producers write; the other topics are made of the first of them.
PRODUCED = (stream.RAW_TOPIC, stream.MACRO_TOPIC)


@dg.definitions
def topics() -> dg.Definitions:
    """One external asset per topic."""
    specs = [
        dg.AssetSpec(
            ["topics", topic],
            # The Flink job makes every other market topic of the input.
            deps=[] if topic in PRODUCED else [["topics", stream.RAW_TOPIC]],
            description=text,
            tags={"domain": "macro" if topic == stream.MACRO_TOPIC else "market"},
        )
        for topic, text in TOPICS.items()
    ]
    return dg.Definitions(assets=specs)
