"""Log records without secrets, in every process that opens a Dagster instance.

The daemon logs the errors of sensors, the run worker those of steps, and no handler of theirs is
ours. All of them get their records from one factory.
"""

import logging
import traceback
from typing import Any

from financial_pipeline.redaction import redact, secrets

_stock = logging.getLogRecordFactory()


def clean_log_records() -> None:
    """Let every logger of this process make its records without secrets."""
    if logging.getLogRecordFactory() is not _clean_record:
        logging.setLogRecordFactory(_clean_record)


def _clean_record(*arguments: Any, **names: Any) -> logging.LogRecord:
    record = _stock(*arguments, **names)
    if not secrets():
        return record
    try:
        text = record.getMessage()
    except (TypeError, ValueError):
        # The handler tells of a message that does not fit its arguments.
        return record
    trace = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
    if redact(text + trace) != text + trace:
        record.msg = redact("\n".join(filter(None, [text, trace])))
        record.args, record.exc_info = (), None
    return record
