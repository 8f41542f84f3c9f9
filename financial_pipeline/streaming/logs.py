"""The log behind the tables: the brokers that are named or run here, else the replay."""

from financial_pipeline.local_cluster.connection import connection, is_reachable
from financial_pipeline.paths import Paths
from financial_pipeline.schemas import stream
from financial_pipeline.settings import Settings
from financial_pipeline.streaming.kafka_log import KafkaLog
from financial_pipeline.streaming.landing import Landing
from financial_pipeline.streaming.message_log import FileLog, MessageLog

# The topics whose messages become stream tables and bars -> the dataset that they land as.
DATASETS = {
    stream.RAW_TOPIC: "market_ohlcv",
    stream.BARS_TOPIC: "market_bars",
    stream.INDICATORS_TOPIC: "market_indicators",
    stream.ALERTS_TOPIC: "market_alerts",
    stream.LATE_TOPIC: "market_late_messages",
    stream.DEAD_LETTER_TOPIC: "market_dead_letters",
}
MARKET_TOPICS = tuple(DATASETS)


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
    settings = Settings()
    return Landing(paths, current_log(paths, settings), settings.stream_bar_seconds)
