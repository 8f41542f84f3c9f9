"""Refused files: which ones staging leaves out, why, and when they are tried again.

A refusal stands for one content under one set of rules: the code of staging and its settings. A
corrected file has another content, so that it replaces the refused one.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from financial_pipeline.changes import code
from financial_pipeline.changes.file_hashes import content_hashes, read_hashes
from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive
from financial_pipeline.schemas.raw import RAW_DATASETS, LandedFile, RawFile
from financial_pipeline.settings import Settings

# Where files are refused.
ROOTS: Final = tuple(
    sorted(f"{code.PACKAGE}.staging.{dataset.staging}" for dataset in RAW_DATASETS.values())
)


def rules(settings: Settings, paths: Paths) -> str:
    """Return the version of the rules by which staging refuses files."""
    modules = code.read_modules(paths.data_root / "code.json")
    values: dict[str, Any] = settings.model_dump(mode="json")
    names = code.settings_read(modules, ROOTS, values.keys())
    return code.hash_texts(
        [code.code_version(modules, ROOTS), *(f"{name}={values[name]}" for name in names)]
    )


def find_refused(paths: Paths, found: Iterable[Path]) -> dict[str, RawFile]:
    """Return the refused files by path for those of `found` whose content was refused."""
    files = [file for file in archive.read_raw_files(paths) if file.refused is not None]
    sizes = {file.bytes for file in files}
    suspects = [path for path in found if path.is_file() and path.stat().st_size in sizes]
    by_hash = {file.sha256: file for file in files}
    hashes = content_hashes(suspects, read_hashes(paths)) if suspects else {}
    return {path: by_hash[digest] for path, (_, digest) in hashes.items() if digest in by_hash}


def standing(settings: Settings, paths: Paths, found: Iterable[Path]) -> dict[str, str]:
    """Return the reasons of those files of `found` that the present rules have refused, by path."""
    refused = find_refused(paths, found)
    now = rules(settings, paths) if refused else ""
    return {path: str(file.refused) for path, file in refused.items() if file.refused_under == now}


def pending(settings: Settings, paths: Paths) -> list[LandedFile]:
    """Return the archived files that a run is planned over: withdrawn ones too, so that their
    partitions are rebuilt, but none that the present rules have refused.

    Raises PipelineError if those are all.
    """
    files, now = archive.read_raw_files(paths), rules(settings, paths)
    refused = [str(f.refused) for f in files if f.refused is not None and f.refused_under == now]
    if refused and len(refused) == len(files):
        raise PipelineError(refused[0])
    return [f.landed for f in files if f.refused is None or f.refused_under != now]


def retry(paths: Paths, dataset: str, is_judged: Callable[[RawFile], bool]) -> None:
    """Let the refused files of a dataset count again, where the caller judges them next."""
    for file in archive.read_raw_files(paths, dataset):
        if file.refused is not None and is_judged(file):
            archive.refuse(paths, file.sha256, None)
