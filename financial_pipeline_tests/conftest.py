"""Fixtures that several test packages share."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from playwright.sync_api import Browser, sync_playwright

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.runtime import LocalRuntime, RuntimePlan, local_runtime
from financial_pipeline.settings import Settings
from financial_pipeline.streaming.local_stream import plan_of
from financial_pipeline_tests.balance import Balanced, longest_first
from financial_pipeline_tests.command import run_command
from financial_pipeline_tests.raw.upstream import Upstream, serving

if TYPE_CHECKING:
    from financial_pipeline_tests.s3_service import S3Service

PROJECT_ROOT = Path(__file__).resolve().parent.parent
# The loans of the shared simulated world.
SMALL_WORLD = "3000"

# A busy machine is no fault of the code.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Balanced | None:
    return Balanced(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    """Ask for no `fsync`: a machine that loses power is tried by `io_faults.py`, not by waiting."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The optional folder of real public files; tests on it skip where it is absent."""
    folder = PROJECT_ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder of real data is not next to the checkout")
    return folder


# Folders of users have such names, and each of Java's programs reads a path in its own way.
ODD_NAME = "it's an état 100%"


@pytest.fixture(scope="session")
def runtime_plan(tmp_path_factory: pytest.TempPathFactory) -> RuntimePlan:
    """The places of the parts of a Kafka and a Flink; `dataclasses.replace` makes others of it.

    Where Java, the jars or Flink are not to be had, tests skip and say so; under CI they fail.
    """
    plan = plan_of(Settings(), tmp_path_factory.mktemp("runtime") / ODD_NAME)
    plan = replace(plan, kafka_port=None, rest_port=None)
    try:
        LocalRuntime(plan)
    except PipelineError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    return plan


@pytest.fixture(scope="session")
def runtime(runtime_plan: RuntimePlan) -> Iterator[LocalRuntime]:
    """One broker and one TaskManager for the whole session; use topics of your own."""
    with local_runtime(runtime_plan) as running:
        yield running


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A server on loopback that answers like Yahoo and FRED."""
    with serving() as server:
        yield server


@pytest.fixture(scope="session")
def s3_service() -> "Iterator[S3Service]":
    """An S3 service on loopback with one bucket; use a folder of your own in it."""
    # Imported here: most tests need no S3 service, and moto takes a second.
    from financial_pipeline_tests import s3_service

    with s3_service.serving() as service:
        yield service


@pytest.fixture
def s3(s3_service: "S3Service", monkeypatch: pytest.MonkeyPatch) -> "S3Service":
    """The S3 service, which the environment names."""
    for name, value in s3_service.variables().items():
        monkeypatch.setenv(name, value)
    return s3_service


@pytest.fixture(scope="session")
def simulated_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data root of one whole `demo`; copy it before you change anything in it."""
    folder = tmp_path_factory.mktemp("simulated") / "data"
    done = run_command(folder, "demo", "--loans", SMALL_WORLD)
    assert done.exit_code == 0, done.errors
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window; the tests are skipped where there is none."""
    binary = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    if binary is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    with sync_playwright() as playwright:
        # A container runs the tests as root, where Chromium refuses its sandbox.
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=binary, args=options)
        yield browser
        browser.close()
