"""The record of the job that was submitted to a Flink cluster, from which the next one resumes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import cached_json, replace_json
from financial_pipeline.local_cluster.flink_rest import FlinkRefused, FlinkRest
from financial_pipeline.local_cluster.flink_state import newest_checkpoint, require_same_facts

FRESH: Final = "read the raw topic from its beginning with --fresh."


@dataclass(frozen=True)
class SubmittedJob:
    """A file with the job's id and folder of checkpoints or, once it was stopped, its savepoint."""

    file: Path
    rest: FlinkRest

    @property
    def content(self) -> dict[str, Any]:
        """The record; empty if there was no job."""
        return cached_json(self.file) or {}

    @property
    def job_id(self) -> str | None:
        """The id of the last job, unless it was stopped with a savepoint."""
        return self.content.get("job_id")

    @property
    def is_stopped(self) -> bool:
        """Whether somebody stopped the last job."""
        return "savepoint" in self.content

    def note(self, job_id: str, facts: Mapping[str, str] | None) -> None:
        """Record a job, once it has a checkpoint, and the facts that its state depends on."""
        if place := self._checkpoint(job_id):
            known = {"url": self.rest.url, "job_id": job_id, "facts": facts}
            replace_json(self.file, known | {"checkpoints": place.rpartition("/")[0]})

    def note_stop(self, savepoint: str) -> None:
        """Record that the job was stopped with a savepoint."""
        facts = self.content.get("facts")
        known = {"url": self.rest.url, "savepoint": savepoint, "facts": facts}
        replace_json(self.file, known)

    def resume_point(self, facts: Mapping[str, str]) -> str | None:
        """Return the last savepoint or checkpoint; None if there was no job.

        A JobManager that restarted does not know the job any more; then its recorded folder is
        searched. Raises PipelineError if no state is found, or if it depends on other facts.
        """
        before = self.content
        require_same_facts(before.get("facts") or facts, facts, f"To start over, {FRESH}")
        if "job_id" not in before:
            return before.get("savepoint")
        job_id, folder = before["job_id"], before.get("checkpoints", "")
        if found := self._checkpoint(job_id) or newest_checkpoint(folder):
            return found
        raise PipelineError(
            f"{self.rest.url} knows no checkpoint of the job before ({job_id}), and this machine"
            f" sees none in its folder: name one with --from, or {FRESH}"
        )

    def _checkpoint(self, job_id: str) -> str | None:
        """Return the address of a job's last completed checkpoint, if this JobManager knows one."""
        try:
            known = self.rest.get(f"/jobs/{job_id}/checkpoints")
            return str(known["latest"]["completed"]["external_path"])
        except (FlinkRefused, KeyError, TypeError):
            return None
