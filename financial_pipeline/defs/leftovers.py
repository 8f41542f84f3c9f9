"""Files that runs left behind: output of steps, targets of dbt, temporary files of Java programs.

A file is a leftover once it is older than the retention. Temporary files of Java also need to be
older than every living Java process of this user, so none of them made it.
"""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from financial_pipeline.event_storage.pruning import Space
from financial_pipeline.paths import Paths

UUID: Final = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# Names of files in the temporary folder: of Spark, Flink, the libraries inside them, and of Flink's
# recovery if the data root has a path that it cannot read.
TEMPORARY: Final = re.compile(
    rf"(spark|blockmgr|flink-(web|io|rest|dist-cache|netty-shuffle)|artifacts)-{UUID}"
    r"|financial-pipeline-[0-9a-f]{16}|liblz4-java-?\d+\.so(\.lck)?|libnetlib\w*?\d+\.so|zstd-jni-[\w.-]+\.so"
)
# A folder of one dbt call inside the target folder: `dbt_loans-2f552be-ccb6074`.
DBT_CALL: Final = re.compile(r"dbt_\w+-[0-9a-f]{7}-[0-9a-f]{7}")
# As `files.replacing` names a file until it is complete: with the number of the process.
UNFINISHED: Final = re.compile(r"\..+\.\d+\.tmp|\.\d+\.incoming")
DAY_SECONDS: Final = 86_400.0


@dataclass(frozen=True)
class Leftover:
    """A file or folder that may be removed, and its kind."""

    kind: str
    path: Path


def found(paths: Paths, before: float) -> list[Leftover]:
    """Return the leftovers from before a moment (seconds since 1970)."""
    home, target = paths.dagster_home, paths.dbt_target
    old = [
        Leftover("files of a storage that is no longer used", path)
        for path in home.glob("history/runs/*.db*")
        if not path.name.startswith("index.db")
    ]
    old += [Leftover("output of old steps", p) for p in _older(home / "storage", before)]
    calls = (p for p in _older(target, before) if DBT_CALL.fullmatch(p.name))
    old += [Leftover("targets of dbt calls", path) for path in calls]
    old += [Leftover("files of killed writers", path) for path in _unfinished(paths, before)]
    places = (Path(tempfile.gettempdir()), paths.spark_files)
    temporary = (path for place in places for path in _temporary(place, before))
    return old + [Leftover("temporary files of Spark and Flink", path) for path in temporary]


def _unfinished(paths: Paths, before: float) -> Iterator[Path]:
    """Yield old temporary files of `files.replacing`, whose writers ended before the rename."""
    limit = min(before, time.time() - DAY_SECONDS)
    for folder, _, names in os.walk(paths.data_root):
        for name in names:
            path = Path(folder, name)
            with suppress(FileNotFoundError):
                if UNFINISHED.fullmatch(name) and path.lstat().st_mtime < limit:
                    yield path


def _older(folder: Path, before: float) -> Iterator[Path]:
    for path in folder.iterdir() if folder.is_dir() else ():
        with suppress(FileNotFoundError):
            if path.lstat().st_mtime < before:
                yield path


def _temporary(folder: Path, before: float) -> Iterator[Path]:
    oldest = min(_java_starts(), default=before)
    for path in _older(folder, min(before, oldest)):
        with suppress(FileNotFoundError):
            if TEMPORARY.fullmatch(path.name) and path.lstat().st_uid == os.getuid():
                yield path


def _java_starts() -> Iterator[float]:
    """Yield a moment before each living Java process started, a day for clocks that were set."""
    for process in psutil.process_iter(["name", "create_time"]):
        if process.info["name"] == "java" and process.info["create_time"]:
            yield process.info["create_time"] - DAY_SECONDS


def size(path: Path) -> int:
    """Return the bytes of a file or of all files of a folder; 0 if it is gone."""
    if path.is_dir() and not path.is_symlink():
        return sum(size(child) for child in path.iterdir())
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


def by_kind(leftovers: list[Leftover]) -> dict[str, Space]:
    """Return the number and the bytes of leftovers by kind."""
    spaces: dict[str, Space] = {}
    for each in leftovers:
        before = spaces.get(each.kind, Space(0, 0))
        spaces[each.kind] = Space(before.count + 1, before.size + size(each.path))
    return spaces


def remove(leftovers: list[Leftover]) -> None:
    """Remove leftovers; one that another process removed first is no error."""
    for each in leftovers:
        with suppress(FileNotFoundError):
            is_folder = each.path.is_dir() and not each.path.is_symlink()
            shutil.rmtree(each.path) if is_folder else each.path.unlink()
