"""A record of the data root with any bytes is read, or refused in one sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from financial_pipeline import world
from financial_pipeline.drills.damage import publish_numbers
from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import read_manifest, read_version
from financial_pipeline.raw import archive, restatements, withdrawals
from financial_pipeline_tests.io_scenarios import SCENARIOS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
Readers = dict[str, Callable[[Paths], object]]
READERS: Readers = {
    "published.json": read_manifest,
    "versions/00000003.json": lambda paths: read_version(paths, "3"),
    "world.json": world.variables,
    "raw/manifest.jsonl": archive.read_raw_files,
    "raw/withdrawals.jsonl": withdrawals.withdrawn,
    "raw/restatements.jsonl": restatements.record,
}


def _mutated(draw: st.DrawFn, value: Any) -> Any:
    """Replace one node of a JSON value, somewhere."""
    if isinstance(value, dict) and value and draw(st.integers(0, 5)):
        name = draw(st.sampled_from(sorted(value)))
        if draw(st.integers(0, 5)) == 0:
            return {key: each for key, each in value.items() if key != name}
        return value | {name: _mutated(draw, value[name])}
    return draw(JSON)


@st.composite
def damaged(draw: st.DrawFn, good: bytes) -> bytes:
    """Cut bytes, other bytes, other JSON, or one changed node of the JSON of a line."""
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return good[: draw(st.integers(0, len(good)))]
    if kind == 1:
        place = draw(st.integers(0, len(good)))
        return good[:place] + draw(st.binary(max_size=8)) + good[place + 1 :]
    if kind == 2:
        return json.dumps(draw(JSON)).encode()
    return json.dumps(_mutated(draw, json.loads(good.splitlines()[0]))).encode()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with each of the records."""
    folder = tmp_path_factory.mktemp("records")
    for run in ("first", "second", "third"):
        publish_numbers(Paths(folder), run, a=1, b=2)
    scenario = SCENARIOS["withdrawals"]
    scenario.prepare(folder)
    scenario.run(folder)
    (folder / "world.json").write_text('{"source": "simulated", "loans": 5, "seed": 1}')
    line = {"file_sha256": "0", "rows": []}
    (folder / "raw" / "restatements.jsonl").write_text(json.dumps(line) + "\n")
    return folder


def _check(root: Path, name: str, examples: int) -> None:
    file, paths = root / name, Paths(root)
    if name.startswith("versions/"):
        file = sorted((root / "versions").glob("*.json"))[0]
    good = file.read_bytes().replace(b"\n ", b" ").replace(b"\n", b" ")
    read = READERS[name]
    if name.startswith("versions/"):
        read = lambda paths: read_version(paths, file.stem)  # noqa: E731

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(damaged(good))
    def reads_or_refuses(content: bytes) -> None:
        file.write_bytes(content)
        fault = ""
        try:
            read(paths)
        except PipelineError as error:
            fault = str(error)
        assert len(fault.splitlines()) <= 1

    before = file.read_bytes()
    try:
        reads_or_refuses()
    finally:
        file.write_bytes(before)


@pytest.mark.parametrize("name", READERS)
def test_a_record_is_read_or_refused(root: Path, name: str) -> None:
    _check(root, name, 30)


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_a_thousand_records_are_read_or_refused(root: Path, name: str) -> None:
    _check(root, name, 1_000)
