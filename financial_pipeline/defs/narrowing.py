"""Over which partitions a changed asset is built: where nothing but rows changed, only over theirs.

The staging table of prices and of macro series can be compared before it is written, so that it is
written, like its raw files, over the new and the changed partitions alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

import dagster as dg

from financial_pipeline.changes.code import hash_texts
from financial_pipeline.changes.state import Built
from financial_pipeline.defs.partition_inputs import FOLLOWS, Follows
from financial_pipeline.defs.partitions import FAMILY_PARTITIONS
from financial_pipeline.defs.run_plan import FamilyRun
from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive
from financial_pipeline.schemas.marts import MARTS
from financial_pipeline.schemas.raw import LandedFile
from financial_pipeline.settings import Settings

CHANGED: Final = "changed: "
OTHER_PARTITIONS: Final = "other partitions"
FILES: Final = ("raw/", "staging/")
Reasons = dict[str, str]


@dataclass(frozen=True)
class Files:
    """The raw files of a data root: archived ones, and those of the drop folder."""

    paths: Paths
    settings: Settings
    landed: Sequence[LandedFile]


@dataclass
class Narrowing:
    """Narrows runs; `before` and `built` have the inputs of assets, earlier and now."""

    files: Files
    graph: Any
    before: Mapping[str, Built]
    built: Mapping[str, Built]
    # The jobs that were executed over the changed partitions alone.
    jobs: set[str] = field(default_factory=set)
    # By job: what its raw files give does not change while a command or plan lasts.
    found: dict[str, dict[str, str] | None] = field(default_factory=dict)

    def run(self, run: FamilyRun, reasons: Reasons) -> FamilyRun:
        """Return the run over the partitions that changed, where only their rows can differ."""
        rule = FOLLOWS.get(run.job)
        if rule is None or not run.first or not run.last:
            return run
        if rule.hashes and (names := [name for name in reasons if name.startswith(FILES)]):
            return self._narrow_files(run, rule, names[0], reasons.values())
        return self._narrow_tables(run, rule, reasons)

    def _narrow_files(
        self, run: FamilyRun, rule: Follows, name: str, reasons: Iterable[str]
    ) -> FamilyRun:
        """Return a run of a raw or staging asset over its new partitions and the changed ones."""
        before, first, last = self.before.get(name), str(run.first), str(run.last)
        only_files = all(each == OTHER_PARTITIONS or each.startswith(CHANGED) for each in reasons)
        if before is None or before.span is None or not only_files or self._is_withdrawn(rule):
            return run
        if before.span[0] != first or before.span[1] > last:
            return run
        changed = {key for key in partitions_of(run) if key > before.span[1]}
        if name == rule.dataset:
            after = self.staged(run, before)
            if after is None:
                return run
            changed |= _differing(before.files, after, first, last)
        # A file that changes no row still has to be archived and accounted for.
        changed = changed or {last}
        return replace(run, first=min(changed), last=max(changed))

    def _is_withdrawn(self, rule: Follows) -> bool:
        """Whether a file is withdrawn: no row may name it as its source, even with equal values."""
        paths, dataset = self.files.paths, rule.dataset.removeprefix("staging/")
        used = archive.current_files(paths, dataset)
        return len(archive.accepted_files(paths, dataset)) > len(used)

    def staged(self, run: FamilyRun, before: Built) -> dict[str, str] | None:
        """Return the hashes that the partitions of the staging table of a run will have.

        None if they are not known before, or if a file is refused: its asset will report it.
        """
        if run.job not in self.found:
            self.found[run.job] = self._hashes(run)
        found = self.found[run.job]
        if found is None:
            return None
        return {key: found.get(key, "") for key in {*before.files, *partitions_of(run)}}

    def _hashes(self, run: FamilyRun) -> dict[str, str] | None:
        rule = FOLLOWS.get(run.job)
        if rule is None or rule.hashes is None:
            return None
        dataset = rule.dataset.removeprefix("staging/")
        paths, last = self.files.paths, date.fromisoformat(str(run.last))
        files = archive.prospective_files(paths, dataset, self.files.landed)
        try:
            return rule.hashes(paths, files, self.files.settings, last)
        except PipelineError:
            return None

    def _narrow_tables(self, run: FamilyRun, rule: Follows, reasons: Reasons) -> FamilyRun:
        before, after = self.before.get(rule.dataset), self.built.get(rule.dataset)
        if before is None or after is None or (rule.after and rule.after not in self.jobs):
            return run
        if not all(self._follows(reason, rule) for reason in reasons.values()):
            return run
        keys = _differing(before.files, after.files, str(run.first), str(run.last))
        if not keys:
            return run
        self.jobs.add(run.job)
        return replace(run, first=min(keys), last=run.last if rule.reaches_later else max(keys))

    def _follows(self, reason: str, rule: Follows) -> bool:
        """Whether an asset is built for nothing but other rows in the partitions of its dataset."""
        marts = {f"exports/{name}" for name, mart in MARTS.items() if mart.family == rule.family}
        return reason == OTHER_PARTITIONS or all(
            name in {rule.dataset, *marts} or self._is_of(name, rule.family)
            for name in reason.removeprefix(CHANGED).split(", ")
        )

    def _is_of(self, name: str, family: str) -> bool:
        if not name.startswith("warehouse/"):
            return False
        return self.graph.get(dg.AssetKey(name.split("/"))).tags.get("family") == family


def partitions_of(run: FamilyRun) -> list[str]:
    """Return the partitions of a run whose staging table can be compared before it is written."""
    partitions = FAMILY_PARTITIONS[FOLLOWS[run.job].family]
    assert partitions is not None
    keys = dg.PartitionKeyRange(str(run.first), str(run.last))
    return list(partitions.get_partition_keys_in_range(keys))


def _differing(
    before: Mapping[str, str], after: Mapping[str, str], first: str, last: str
) -> set[str]:
    """Return the partitions from `first` to `last` that are new, gone or have other rows."""
    changed = {key for key in {*before, *after} if before.get(key) != after.get(key)}
    return {key for key in changed if first <= key <= last}


def hash_of(files: Mapping[str, str]) -> str:
    """Return one hash of the partitions of a staging table."""
    return hash_texts(map(str, sorted(files.items())))
