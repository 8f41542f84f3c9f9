"""Runs of the app leave the test session as it was: spawned processes still start."""

import multiprocessing
import os
import sys
from pathlib import Path

from financial_pipeline_tests.dashboard.app import open_page

BEFORE = sys.modules["__main__"]


def test_app_stands_in_for_the_main_module_while_it_runs(data_root: Path) -> None:
    open_page(data_root, "portfolio")
    assert sys.modules["__main__"] is not BEFORE


def test_process_spawned_after_a_run_of_the_app_works() -> None:
    assert sys.modules["__main__"] is BEFORE
    process = multiprocessing.get_context("spawn").Process(target=os.getpid)
    process.start()
    process.join(60)
    assert process.exitcode == 0
