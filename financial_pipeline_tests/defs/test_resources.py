"""The resources of a run: the assets that it forgets, and dbt's folder of another checkout."""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import pytest

from financial_pipeline.changes import state
from financial_pipeline.changes.state import Built
from financial_pipeline.defs.resources import PUBLICATION_TAG, Pipeline, forget_other_checkout
from financial_pipeline.paths import Paths

ENTRY = Built("code", "settings", ("2019-01-01", "2019-03-01"), {}, "hash", {})


def asset(name: str) -> dg.AssetsDefinition:
    @dg.asset(key=["staging", name])
    def built(pipeline: Pipeline) -> None: ...

    return built


@pytest.mark.parametrize(
    ("tags", "chosen", "kept"),
    [
        # The whole job, and one of its assets.
        ({}, None, ["other"]),
        ({}, [dg.AssetKey(["staging", "x"])], ["y", "other"]),
        # Commands forget what they build themselves.
        ({PUBLICATION_TAG: "command-1"}, None, ["x", "y", "other"]),
    ],
)
def test_run_by_hand_forgets_the_assets_that_it_builds(
    tags: dict[str, str], chosen: Sequence[dg.AssetKey] | None, kept: list[str], tmp_path: Path
) -> None:
    paths = Paths(tmp_path)
    state.remember(paths, {f"staging/{name}": ENTRY for name in ("x", "y", "other")})
    defs = dg.Definitions(
        assets=[asset("x"), asset("y")],
        jobs=[dg.define_asset_job("both_job")],
        resources={"pipeline": Pipeline(data_root=str(tmp_path))},
    )
    with dg.instance_for_test() as instance:
        job = defs.resolve_job_def("both_job")
        job.execute_in_process(instance=instance, tags=tags, asset_selection=chosen)
    assert set(state.read(paths)) == {f"staging/{name}" for name in kept}


def test_what_dbt_parsed_elsewhere_is_not_taken_over(tmp_path: Path) -> None:
    target, parsed = tmp_path / "target", tmp_path / "target" / "partial_parse.msgpack"
    forget_other_checkout(target, tmp_path / "here")
    parsed.write_bytes(b"seeds below here")

    forget_other_checkout(target, tmp_path / "here")
    assert parsed.exists()

    forget_other_checkout(target, tmp_path / "there")
    assert not parsed.exists()
