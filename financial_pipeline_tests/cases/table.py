"""Runs every case by command and prints what became of it: `python -m ...cases.table [WORD ...]`.

Words choose the cases whose folder contains one of them. The folders of cases are optional data
next to the checkout; without them the table is empty and says so.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import duckdb

from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline.publishing.views import connect
from financial_pipeline_tests.command import CommandRun, run_command
from financial_pipeline_tests.conftest import PROJECT_ROOT

CASES: Final = PROJECT_ROOT.parent / "shared" / "cases"
OUTCOME_CHARACTERS: Final = 110


@dataclass(frozen=True)
class Case:
    """One folder of cases and its right outcome.

    `figures` are queries of one value over the published tables with that value; a float is met
    within 0.5 %. `texts` occur in what the command prints. `then` are folders that are dropped
    later, after the tables were built once.
    """

    folder: str
    expected: str
    figures: tuple[tuple[str, Any], ...] = ()
    texts: tuple[str, ...] = ()
    exit_code: int = 0
    then: tuple[str, ...] = ()
    analytics: bool = False


@dataclass(frozen=True)
class Outcome:
    """The end of a case: the command's end, one line about it, and each wrong figure or text."""

    exit_code: int
    line: str
    wrong: tuple[str, ...]


def known(series_id: str, day: str, as_of: str) -> str:
    """Query the value of an observation as it was known on a day."""
    return (
        "select max(value) from marts.fct_macro_observations where series_id ="
        f" '{series_id}' and observation_date = '{day}' and realtime_start <= '{as_of}'"
        f" and realtime_end > '{as_of}'"
    )


def run(case: Case) -> Outcome:
    """Run the demo on a case's files and compare what it publishes and prints."""
    with TemporaryDirectory(prefix="case-") as folder:
        drop, root = Path(folder) / "drop", Path(folder) / "data"
        for part in (case.folder, *case.then):
            shutil.copytree(CASES / part, drop, dirs_exist_ok=True)
            try:
                done = _demo(case, drop, root)
            except subprocess.TimeoutExpired as error:
                return Outcome(-1, "", (f"takes more than {error.timeout:.0f} seconds",))
        printed = done.output + done.errors
        wrong = [f"prints no {text!r}" for text in case.texts if text not in printed]
        if "Traceback (most recent call last)" in printed:
            wrong.append("prints a traceback")
        if done.exit_code != case.exit_code:
            wrong.append(f"exit code {done.exit_code}, not {case.exit_code}")
        wrong += _wrong_figures(Paths(root), case.figures)
        return Outcome(done.exit_code, _line(printed), tuple(wrong))


def _demo(case: Case, drop: Path, root: Path) -> CommandRun:
    options = ["--source", "files", "--landing", str(drop), "--no-stream"]
    return run_command(root, "demo", *options, *([] if case.analytics else ["--no-analytics"]))


def _wrong_figures(paths: Paths, figures: Sequence[tuple[str, Any]]) -> list[str]:
    if not figures:
        return []
    wrong = []
    with connect(paths, read_manifest(paths)) as connection:
        for query, value in figures:
            try:
                row = connection.execute(query).fetchone()
            except duckdb.Error as error:
                wrong.append(f"{query}: {error}")
                continue
            found = row[0] if row else None
            if not agree(found, value):
                wrong.append(f"{query} is {found}, not {value}")
    return wrong


def agree(found: Any, value: Any) -> bool:
    """Whether a published value is the right one: floats within 0.5 %, others exactly."""
    if isinstance(value, float) and found is not None:
        return bool(abs(float(found) - value) <= 0.005 * abs(value))
    return bool(found == value)


def _line(printed: str) -> str:
    """Return a reader's first sight: a refusal, else lost lines, else the headline."""
    lines = [line for line in printed.splitlines() if line.strip()]
    words = ("refused", "left out", "quarantined", "Annualised", "Default rate", "as of")
    found = next((line for word in words for line in lines if word in line), (lines or [""])[-1])
    return found.replace(str(CASES), "")[:OUTCOME_CHARACTERS]


def all_cases() -> list[Case]:
    """The cases of both folders whose inputs are there."""
    from financial_pipeline_tests.cases import loans, prices_macro

    cases = [*prices_macro.CASES, *loans.CASES]
    return [case for case in cases if (CASES / case.folder).is_dir()]


def main(words: Sequence[str]) -> int:
    """Print one row per case; returns the number of wrong ones."""
    cases = [c for c in all_cases() if not words or any(word in c.folder for word in words)]
    if not cases:
        print(
            "skipped: the folders of cases are not next to the checkout, or no case has that name"
        )
    failed = 0
    print("| case | exit | outcome | expected | verdict |\n|---|---|---|---|---|")
    for case in cases:
        done = run(case)
        failed += bool(done.wrong)
        verdict = "wrong: " + "; ".join(done.wrong) if done.wrong else "right"
        row = (case.folder, str(done.exit_code), done.line, case.expected, verdict)
        print("| " + " | ".join(cell.replace("|", "/") for cell in row) + " |", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
