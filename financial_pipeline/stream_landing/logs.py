"""Which log the tables are made from: the brokers that are named or run here, else the replay."""

from financial_pipeline.paths import Paths
from financial_pipeline.schemas import stream
from financial_pipeline.settings import Settings
from financial_pipeline.stream_landing.landing import Landing
from financial_pipeline.streaming.connection import connection, is_reachable
from financial_pipeline.streaming.kafka_log import KafkaLog
from financial_pipeline.streaming.message_log import FileLog, MessageLog

# The topics whose messages become stream tables and bars.
MARKET_TOPICS = (
    stream.RAW_TOPIC,
    stream.BARS_TOPIC,
    stream.INDICATORS_TOPIC,
    stream.ALERTS_TOPIC,
    stream.LATE_TOPIC,
    stream.DEAD_LETTER_TOPIC,
)


def current_log(paths: Paths, settings: Settings | None = None) -> MessageLog:
    """The log of this data root.

    Raises PipelineError where brokers are named or run here and do not answer.
    """
    known = settings or Settings()
    if is_reachable(known, paths):
        return KafkaLog(connection(known, paths).confluent())
    return FileLog(paths.replay_log)


def current_landing(paths: Paths) -> Landing:
    """The landing of the log of this data root."""
    return Landing(paths, current_log(paths))
