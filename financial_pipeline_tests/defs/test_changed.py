"""Which assets of a run are built: by code, setting, partitions and the content of inputs."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from financial_pipeline.defs import changed
from financial_pipeline.defs.changed import Changes
from financial_pipeline.defs.followed import FOLLOWS
from financial_pipeline.defs.run_plan import FamilyRun
from financial_pipeline.errors import RefusedFile
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.content_hash import row_hashes
from financial_pipeline.publishing.publication import Publication, publish
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import Table
from financial_pipeline.settings import Settings

RAW, STAGED, MODEL, MART, METRIC = (
    dg.AssetKey(name.split("/"))
    for name in (
        "raw/bank_prices",
        "staging/bank_prices",
        "warehouse/fct_daily_prices",
        "exports/fct_daily_prices",
        "metrics/market_risk",
    )
)
REST = [MODEL, MART]
PRICES = FamilyRun("prices_job", "2019-03-25", "2019-03-29")
METRICS = FamilyRun("market_metrics_job", "2019-03-25", "2019-03-29")
DAYS = ["2019-03-25", "2019-03-26", "2019-03-27", "2019-03-28", "2019-03-29"]


class Versions:
    """Stands for the versions of the code: `changed` names the asset with other code."""

    changed = ""

    def __init__(self, settings: Settings) -> None:
        self.lag = settings.default_lag_months

    def code(self, key: str) -> str:
        return "new" if key == self.changed else "old"

    def settings(self, key: str) -> str:
        return str(self.lag) if key.startswith("warehouse") else ""


def specs_of_the_chain() -> list[dg.AssetSpec]:
    """Return the assets of a price chain, from the raw files to a metric."""
    chain = [RAW, STAGED, MODEL, MART, METRIC]
    parents = [dg.AssetKey(["landing", "bank_prices"]), *chain[:-1]]
    return [
        dg.AssetSpec(key, deps=[parent], tags={"family": "prices"} if key == MODEL else {})
        for key, parent in zip(chain, parents, strict=True)
    ]


class World:
    """A data root with five sessions, and the command that builds what changed."""

    def __init__(self, root: Path) -> None:
        self.paths, self.raw, self.lag, self.commands = Paths(root), "1", 5, 0
        self.rows, self.is_refused = dict.fromkeys(DAYS, 1), False
        self.defs = dg.Definitions(assets=specs_of_the_chain())

    def hashes(self, paths: Paths, files: object, settings: Settings, last: date) -> dict[str, str]:
        """Return the hashes that the staging partitions will have."""
        if self.is_refused:
            raise RefusedFile("1", "The file is refused.")
        rows = pl.DataFrame({"day": list(self.rows), "value": list(self.rows.values())})
        return {
            str(day): row_hashes(part.drop("day"), pl.lit(str(day)))[str(day)]
            for (day,), part in rows.group_by("day")
        }

    def _table(self, publication: Publication, key: dg.AssetKey) -> None:
        contract: Table[pl.DataType] = Table(key.path[0], key.path[1], "One row.", ("day",))
        rows = pl.DataFrame({"day": list(self.rows), "value": list(self.rows.values())})
        publication.register(write_table(self.paths, contract, rows))

    def _build(self, publication: Publication, key: dg.AssetKey) -> None:
        if key == STAGED:
            folder = self.paths.staging("bank_prices")
            folder.mkdir(parents=True, exist_ok=True)
            for day, value in self.rows.items():
                row = pl.DataFrame({"value": [value], "file_sha256": [self.raw]})
                row.write_parquet(folder / f"{day}.parquet")
        elif key == MODEL:
            self.paths.warehouse_file.parent.mkdir(exist_ok=True)
            self.paths.warehouse_file.touch()
        elif key in (MART, METRIC):
            self._table(publication, key)

    def command(self, *, is_killed: bool = False) -> list[str]:
        """Build what changed; return asset and partitions of everything that was executed."""
        self.commands += 1
        publication = Publication(self.paths, f"command-{self.commands}")
        settings = Settings(default_lag_months=self.lag)
        changes = Changes(
            publication, settings, self.defs, {"bank_prices": self.raw}, rebuild=False
        )
        done = []
        parts = ((PRICES, [RAW]), (PRICES, [STAGED]), (PRICES, REST), (METRICS, [METRIC]))
        for planned, part in parts:
            if work := changes.work(planned, part):
                changes.forget(work.keys)
                for key in work.keys:
                    self._build(publication, key)
                    done.append(f"{key.path[0]} {work.run.first[5:]}..{work.run.last[5:]}")
                changes.note(planned, work)
        if not is_killed and done:
            publish(self.paths, [publication.run], {})
            changes.remember()
        return done


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(changed, "Versions", Versions)
    monkeypatch.setattr(Versions, "changed", "")
    built = World(tmp_path)
    rule = replace(FOLLOWS["prices_job"], hashes=built.hashes)
    monkeypatch.setitem(FOLLOWS, "prices_job", rule)
    built.command()
    return built


ALL = [f"{layer} 03-25..03-29" for layer in ("raw", "staging", "warehouse", "exports", "metrics")]


def test_nothing_changed_builds_nothing(world: World) -> None:
    assert world.command() == []


def test_one_changed_session_is_rebuilt_with_all_later_ones(world: World) -> None:
    world.raw, world.rows["2019-03-28"] = "2", 7
    narrow = [f"{layer} 03-28..03-29" for layer in ("warehouse", "exports", "metrics")]
    assert world.command() == ["raw 03-29..03-29", "staging 03-28..03-28", *narrow]
    assert world.command() == []


def test_a_new_file_with_equal_rows_stops_at_staging(world: World) -> None:
    world.raw = "2"
    assert world.command() == ["raw 03-29..03-29", "staging 03-29..03-29"]
    assert world.command() == []


def test_a_file_that_will_be_refused_narrows_no_staging(world: World) -> None:
    world.raw, world.is_refused = "2", True
    assert world.command() == ["raw 03-29..03-29", "staging 03-25..03-29"]


def test_a_setting_or_code_builds_what_reads_it_over_all_partitions(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.lag = 6
    # The mart is built again with equal content, so the metric stays.
    assert world.command() == ["warehouse 03-25..03-29", "exports 03-25..03-29"]
    monkeypatch.setattr(Versions, "changed", "metrics/market_risk")
    assert world.command() == ["metrics 03-25..03-29"]


def test_a_changed_session_beside_changed_code_narrows_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Versions, "changed", "warehouse/fct_daily_prices")
    world.raw, world.rows["2019-03-28"] = "2", 7
    narrow = ["raw 03-29..03-29", "staging 03-28..03-28"]
    assert world.command() == [*narrow, *ALL[2:]]


def test_a_killed_command_is_repeated_over_all_partitions(world: World) -> None:
    world.raw, world.rows["2019-03-28"] = "2", 7
    world.command(is_killed=True)
    assert world.command() == ALL


def test_a_lost_warehouse_or_partition_is_built_again(world: World) -> None:
    world.paths.warehouse_file.unlink()
    assert world.command() == ["warehouse 03-25..03-29", "exports 03-25..03-29"]
    (world.paths.staging("bank_prices") / "2019-03-27.parquet").unlink()
    assert "staging 03-25..03-29" in world.command()


def test_a_file_withdrawn_after_a_killed_command_leaves_no_trace(world: World) -> None:
    world.raw, world.rows["2019-03-28"] = "2", 7
    world.command(is_killed=True)
    world.raw, world.rows["2019-03-28"] = "1", 1
    assert world.command()[2:4] == ["warehouse 03-25..03-29", "exports 03-25..03-29"]
