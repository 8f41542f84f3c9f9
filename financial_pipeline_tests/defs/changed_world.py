"""A chain of price assets over five sessions, and the command that builds what changed of it."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from financial_pipeline.defs import change_plan
from financial_pipeline.defs.change_plan import Changes
from financial_pipeline.defs.partition_inputs import FOLLOWS
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

    def write(self, publication: Publication, key: dg.AssetKey) -> None:
        contract: Table[pl.DataType] = Table(key.path[0], key.path[1], "One row.", ("day",))
        rows = pl.DataFrame({"day": list(self.rows), "value": list(self.rows.values())})
        publication.register(write_table(self.paths, contract, rows))

    def _build(self, publication: Publication, key: dg.AssetKey) -> None:
        if key == STAGED:
            folder = self.paths.staging("bank_prices")
            folder.mkdir(parents=True, exist_ok=True)
            for path in folder.glob("*.parquet"):
                path.unlink()
            for day, value in self.rows.items():
                row = pl.DataFrame({"value": [value], "file_sha256": [self.raw]})
                row.write_parquet(folder / f"{day}.parquet")
        elif key == MODEL:
            self.paths.warehouse_file.parent.mkdir(exist_ok=True)
            self.paths.warehouse_file.touch()
        elif key in (MART, METRIC):
            self.write(publication, key)

    def changes(self, publication: Publication, *, rebuild: bool = False) -> Changes:
        """Compare what is there with what was built."""
        settings, raw = Settings(default_lag_months=self.lag), {"bank_prices": self.raw}
        return Changes(publication, settings, self.defs, raw, rebuild=rebuild)

    def publication(self) -> Publication:
        """Begin the publication of a command."""
        self.commands += 1
        return Publication(self.paths, f"command-{self.commands}")

    def command(
        self, *, is_killed: bool = False, rebuild: bool = False, last: str = DAYS[-1]
    ) -> list[str]:
        """Build what changed; return asset and partitions of everything that was executed."""
        publication = self.publication()
        changes = self.changes(publication, rebuild=rebuild)
        prices, metrics = replace(PRICES, last=last), replace(METRICS, last=last)
        done = []
        parts = ((prices, [RAW]), (prices, [STAGED]), (prices, REST), (metrics, [METRIC]))
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


def built_world(root: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a world after its first command."""
    monkeypatch.setattr(change_plan, "Versions", Versions)
    monkeypatch.setattr(Versions, "changed", "")
    world = World(root)
    rule = replace(FOLLOWS["prices_job"], hashes=world.hashes)
    monkeypatch.setitem(FOLLOWS, "prices_job", rule)
    world.command()
    return world


ALL = [f"{layer} 03-25..03-29" for layer in ("raw", "staging", "warehouse", "exports", "metrics")]
