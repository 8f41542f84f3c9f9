"""The parts that all staging steps share: leave out refused files, and account for every line."""

from collections.abc import Callable, Sequence

import dagster as dg

from financial_pipeline.defs.resources import Pipeline
from financial_pipeline.errors import RefusedFile
from financial_pipeline.raw import archive, refusals
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.staging import losses, row_accounting
from financial_pipeline.staging.accounting import StagingSummary

ACCOUNTED = "every_line_is_accounted_for"
Stage = Callable[[Sequence[RawFile]], StagingSummary]


def accounting_check(dataset: str) -> list[dg.AssetCheckSpec]:
    """Return the check that no line of a raw file is lost."""
    return [
        dg.AssetCheckSpec(
            ACCOUNTED,
            asset=["staging", dataset],
            blocking=True,
            description="Physical lines = staged + quarantined by reason + notes, file by file.",
        )
    ]


def stage_accepted(
    pipeline: Pipeline, dataset: str, stage: Stage, is_judged: Callable[[RawFile], bool]
) -> tuple[list[RawFile], StagingSummary]:
    """Stage the files; a refused one is noted, and the others do without it.

    Files that were refused before get another chance if `stage` judges them. Raises RefusedFile if
    every file is refused.
    """
    paths, rules = pipeline.paths, refusals.rules(pipeline.settings, pipeline.paths)
    refusals.retry(paths, dataset, is_judged)
    archive.verify(archive.current_files(paths, dataset))
    while True:
        files = archive.current_files(paths, dataset)
        try:
            summary = stage(files)
        except RefusedFile as error:
            archive.refuse(paths, error.sha256, str(error), rules)
            if not archive.accepted_files(paths, dataset):
                raise
        else:
            for refused, reason in summary.refused.items():
                archive.refuse(paths, refused, reason, rules)
            return [file for file in files if file.sha256 not in summary.refused], summary


def stage_files(
    pipeline: Pipeline,
    dataset: str,
    stage: Stage,
    is_judged: Callable[[RawFile], bool] = lambda _: True,
    table: str | None = None,
) -> dg.MaterializeResult:
    """Stage the accepted files of a raw dataset, and describe the step with its check.

    `table` is the staging table if it has another name than the dataset.
    """
    paths = pipeline.paths
    files, summary = stage_accepted(pipeline, dataset, stage, is_judged)
    losses.note_remarks(paths, table or dataset, [*summary.warnings, *summary.remarks])
    rows = row_accounting.by_file(
        row_accounting.read_accounting(paths, {file.sha256 for file in files})
    )
    missing = {row["file"]: row["unexplained"] for row in rows if row["unexplained"]}
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": summary.rows,
            "quarantined": summary.quarantined,
            "remarks": list(summary.remarks),
            "files": summary.files,
            "newest_event": str(summary.newest_event),
            "built_from": archive.digest(files),
            "warnings": list(summary.warnings),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=ACCOUNTED,
                passed=not missing and len(rows) == len({file.sha256 for file in files}),
                metadata={"files": rows, "unexplained": missing},
            )
        ],
    )
