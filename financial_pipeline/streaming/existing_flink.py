"""The job on a Flink session cluster that somebody else started (FINANCIAL_PIPELINE_FLINK_URL)."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import locked
from financial_pipeline.local_cluster.connection import ACCESS_FILE, CA_FILE, Connection, connection
from financial_pipeline.local_cluster.flink_rest import ENDED, FlinkRefused, FlinkRest
from financial_pipeline.local_cluster.jars import SQL_DRIVER, jar_source, obtain, read_lock
from financial_pipeline.local_cluster.java import find_flink, find_java
from financial_pipeline.local_cluster.java_classes import JARS_LOCK, compile_classes, job_jar
from financial_pipeline.local_cluster.submission import RECOVERY_SECONDS, submit
from financial_pipeline.local_cluster.topics import brokers_known, create_topics
from financial_pipeline.paths import Paths
from financial_pipeline.settings import Settings
from financial_pipeline.streaming.job_script import JOB, JobValues, job_script
from financial_pipeline.streaming.local_stream import job_facts, stream_topics, values_of
from financial_pipeline.streaming.submitted_job import SubmittedJob

URL_VARIABLE: Final = "FINANCIAL_PIPELINE_FLINK_URL"
CHECKPOINTS: Final = {
    "execution.checkpointing.interval": "10 s",
    "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
}
HEALTHY_SECONDS: Final = 180.0
# TaskManagers register late, and leave the job of a lost JobManager only after its heartbeats end.
SLOT_SECONDS: Final = 120.0
LOOK_SECONDS: Final = 0.5
REPLICAS: Final = 3


@dataclass(frozen=True)
class Submission:
    """A running job; `is_new` if this call submitted it, then from `state` or from no state."""

    job_id: str
    is_new: bool = False
    state: str | None = None

    def sentence(self, url: str) -> str:
        """Return a sentence for people."""
        if not self.is_new:
            return f"The job {self.job_id} runs on {url} already."
        origin = f"resumed from {self.state}" if self.state else "from the start of the raw topic"
        return f"The job {self.job_id} runs on {url}, {origin}; its first checkpoint is complete."


@dataclass(frozen=True)
class ExistingFlink:
    """The cluster that the settings name, and the brokers that its job reads."""

    settings: Settings
    paths: Paths
    rest: FlinkRest
    brokers: Connection

    @property
    def before(self) -> SubmittedJob:
        """The record of the last job."""
        return SubmittedJob(self.paths.stream_runtime / "submitted.json", self.rest)

    def jobs(self) -> list[dict[str, Any]]:
        """Return our jobs that have not ended, as Flink describes them."""
        with self._answering():
            found = self.rest.jobs()
        return [job for job in found if job["name"] == JOB and job["state"] not in ENDED]

    def submit(self, savepoint: str | None = None, *, is_fresh: bool = False) -> Submission:
        """Submit the job and return once its first checkpoint is complete; leave a running one.

        It resumes from `savepoint`, else from the state of the job before; `is_fresh` reads the raw
        topic from its beginning. Raises PipelineError if Flink is of another version or has too few
        free slots, if the job does not become healthy, and if a running one excludes the options.
        """
        with self._alone():
            if running := self._running():
                if savepoint or is_fresh:
                    raise PipelineError(
                        f"The job {JOB} runs on {self.rest.url} already ({running}); stop it with"
                        " `financial-pipeline stream submit --stop` first."
                    )
                return Submission(running)
            return self._submit_from(savepoint, is_fresh=is_fresh)

    def resume(self) -> Submission | None:
        """Submit the job unless it runs; None if it was stopped with a savepoint."""
        with self._alone():
            if self.before.is_stopped:
                return None
            running = self._running()
            return Submission(running) if running else self._submit_from(None)

    def stop(self) -> str:
        """Stop the job with a savepoint where the cluster keeps them, and return its address."""
        with self._alone():
            jobs = self.jobs()
            if not jobs:
                raise PipelineError(f"The job {JOB} does not run on {self.rest.url}.")
            with self._answering():
                place = self.rest.request_stop(jobs[0]["jid"], {"drain": False})
            self.before.note_stop(place)
            return place

    def _alone(self) -> AbstractContextManager[None]:
        """Keep other commands over this data root away from the job."""
        return locked(self.paths.stream_runtime / "submit.lock")

    def _submit_from(self, savepoint: str | None, *, is_fresh: bool = False) -> Submission:
        self._check_version()
        facts = job_facts(self.settings)
        with self._answering():
            state = None if is_fresh else savepoint or self.before.resume_point(facts)
        self._create_topics()
        self._wait_for_slots()
        jar = self._jar()
        with self._answering():
            job_id = submit(self.rest, jar, job_script(self._values()), state)
        self._wait(job_id)
        with self._answering():
            self.before.note(job_id, facts)
        return Submission(job_id, is_new=True, state=state)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, HTTPException) as error:
            raise PipelineError(
                f"No Flink answers at {self.rest.url} ({error}); check {URL_VARIABLE}."
            ) from error

    def _running(self) -> str | None:
        """Return our running job, once a JobManager that restarted had time to recover it."""
        known, deadline = self.before.job_id, time.monotonic() + RECOVERY_SECONDS
        while not (jobs := self.jobs()):
            if not known or self._knows(known) or time.monotonic() > deadline:
                return None
            time.sleep(LOOK_SECONDS)
        found = str(jobs[0]["jid"])
        if found != known:
            # Its submission was interrupted, or it is somebody else's.
            with self._answering():
                self.before.note(found, None)
        return found

    def _knows(self, job_id: str) -> bool:
        with self._answering():
            try:
                return bool(self.rest.get(f"/jobs/{job_id}"))
            except FlinkRefused:
                return False

    def _check_version(self) -> None:
        with self._answering():
            version = str(self.rest.get("/config")["flink-version"])
        [wanted] = (jar.version for jar in read_lock(JARS_LOCK) if jar.artifact == SQL_DRIVER)
        if version.split(".")[:2] != wanted.split(".")[:2]:
            raise PipelineError(
                f"Flink at {self.rest.url} is {version}, and the job needs {wanted}: upgrade the"
                " cluster, or use `financial-pipeline stream up`."
            )

    def _create_topics(self) -> None:
        client = self.brokers.confluent()
        create_topics(client, stream_topics(), min(REPLICAS, max(1, brokers_known(client, 10.0))))

    def _wait_for_slots(self) -> None:
        needed, deadline = self.settings.stream_parallelism, time.monotonic() + SLOT_SECONDS
        while True:
            with self._answering():
                free = int(self.rest.get("/overview")["slots-available"])
            if free >= needed:
                return
            if time.monotonic() > deadline:
                raise PipelineError(
                    f"Flink at {self.rest.url} has {free} free slots and the job needs {needed}:"
                    " add TaskManagers, or lower FINANCIAL_PIPELINE_STREAM_PARALLELISM."
                )
            time.sleep(LOOK_SECONDS)

    def _values(self) -> JobValues:
        values = values_of(self.settings, self.brokers.bootstrap_servers, self._client())
        return replace(values, configuration=CHECKPOINTS)

    def _client(self) -> dict[str, str]:
        folder = self.settings.flink_secrets
        if self.brokers.user and folder is None:
            raise PipelineError(
                "Kafka wants a login, which must be in no job: set FINANCIAL_PIPELINE_FLINK_SECRETS"
                " to a folder on every machine of the Flink cluster, and put into it the files that"
                " `financial-pipeline stream access FOLDER` writes."
            )
        if folder is None:
            return {}
        ca_file = folder / CA_FILE if self.brokers.ca_file else None
        return self.brokers.flink_properties(folder / ACCESS_FILE, ca_file)

    def _jar(self) -> Path:
        source = jar_source(self.settings)
        classes = compile_classes(find_java(), find_flink(), source)
        return job_jar(obtain(JARS_LOCK, source), classes, source.cache)

    def _wait(self, job_id: str) -> None:
        """Wait for the first checkpoint; cancel the job and raise if none completes in time."""
        deadline = time.monotonic() + HEALTHY_SECONDS
        while time.monotonic() < deadline:
            with self._answering():
                if self.rest.get(f"/jobs/{job_id}/checkpoints")["counts"]["completed"]:
                    return
                state = self.rest.get(f"/jobs/{job_id}")["state"]
                if state in ENDED or self.rest.restarts(job_id):
                    break
            time.sleep(LOOK_SECONDS)
        cause = self._cause(job_id)
        if any(job["jid"] == job_id for job in self.jobs()):
            self.rest.cancel(job_id)
        raise PipelineError(
            f"The job on {self.rest.url} has no checkpoint and is cancelled: {cause}"
        )

    def _cause(self, job_id: str) -> str:
        with self._answering():
            found = self.rest.exceptions(job_id)
        return found or f"none of its checkpoints was complete after {HEALTHY_SECONDS:.0f} s"


def existing_flink(settings: Settings, paths: Paths) -> ExistingFlink:
    """Return the cluster that the settings name; raise PipelineError if they name none."""
    if not settings.flink_url:
        raise PipelineError(
            f"Set {URL_VARIABLE} to the address of your Flink cluster, such as"
            " http://jobmanager:8081, or start a local one with `financial-pipeline stream up`."
        )
    if not settings.kafka_brokers:
        raise PipelineError(
            "Set FINANCIAL_PIPELINE_KAFKA_BROKERS to brokers that the Flink cluster reaches too."
        )
    token = settings.flink_token.get_secret_value() if settings.flink_token else ""
    rest = FlinkRest(settings.flink_url.rstrip("/"), token)
    return ExistingFlink(settings, paths, rest, connection(settings, paths))
