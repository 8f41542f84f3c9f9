"""Fixtures of tests on object storage."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from financial_pipeline.paths import Paths
from financial_pipeline.publishing import working_copy
from financial_pipeline_tests.publishing.machines import Machine
from financial_pipeline_tests.s3_service import BUCKET, S3Service


@pytest.fixture
def address(request: pytest.FixtureRequest) -> str:
    """An address that no other test uses."""
    return f"s3://{BUCKET}/{request.node.name.replace('[', '-').replace(']', '')}"


@pytest.fixture
def machine(s3: S3Service, address: str, tmp_path: Path) -> Iterator[Machine]:
    """Returns the working copy of a machine by its name, brought up to date."""

    def prepared(name: str) -> Paths:
        paths = Paths(tmp_path / name)
        working_copy.prepare(paths, address, builds=True)
        return paths

    s3.requests.clear()
    yield prepared
    s3.before = s3.after = lambda _: False
