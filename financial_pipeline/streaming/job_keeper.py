"""Keeps the job running on a Flink cluster that loses it, as one whose JobManager restarts."""

import time
from collections.abc import Callable
from typing import Final

from financial_pipeline.errors import PipelineError
from financial_pipeline.streaming.existing_flink import ExistingFlink, Submission

FOLLOW_SECONDS: Final = 5.0


def keep_running(
    flink: ExistingFlink, tell: Callable[[str], None], sleep: Callable[[float], None] = time.sleep
) -> None:
    """Submit the job, and again whenever the cluster has lost it, until interrupted.

    A job that is stopped with a savepoint meanwhile is left alone. Each fault is reported once, and
    the next try follows.
    """
    last = ""
    look: Callable[[], Submission | None] = flink.submit
    while True:
        try:
            if found := look():
                seen, sentence = found.job_id, found.sentence(flink.rest.url)
            look = flink.resume
        except PipelineError as error:
            seen = sentence = f"Error: {error}"
        if seen != last:
            tell(sentence)
        last = seen
        sleep(FOLLOW_SECONDS)
