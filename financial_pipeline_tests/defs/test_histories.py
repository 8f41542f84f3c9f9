"""Random histories of a price chain: after any of them, the tables equal those built from nothing.

Days arrive and are restated, files are repeated, code and settings change, parts are lost, and
commands are killed. The assets are small models that build only the partitions they are given, so a
wrong skip or a range that is too short leaves a wrong value. A failing seed replays alone.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from financial_pipeline.defs import change_plan
from financial_pipeline.defs.change_plan import Changes, Work
from financial_pipeline.defs.partition_inputs import FOLLOWS
from financial_pipeline.defs.partitions import SESSIONS
from financial_pipeline.defs.run_plan import FamilyRun
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.content_hash import row_hashes
from financial_pipeline.publishing.publication import Publication, publish
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import Table
from financial_pipeline.settings import Settings
from financial_pipeline_tests.defs.changed_world import (
    MART,
    METRIC,
    MODEL,
    RAW,
    STAGED,
    specs_of_the_chain,
)

FIRST, FIRST_END = "2019-03-04", "2019-03-15"
ALL_DAYS = [day for day in SESSIONS.get_partition_keys() if FIRST <= day <= "2019-03-29"]
# A metric looks back on so many sessions, its own included.
LOOK_BACK = 3
QUICK, THOROUGH, STEPS = range(20), range(20, 220), 12
PARTS = (("prices_job", [RAW]), ("prices_job", [STAGED]), ("prices_job", [MODEL, MART]))
MARTS, METRICS = (
    Table(key.path[0], key.path[1], "One row per day.", ("day",), partition="day")
    for key in (MART, METRIC)
)


class Killed(Exception):
    """The process of a command was killed."""


class History:
    """A data root, the files that arrived, and the code and settings of the moment."""

    def __init__(self, root: Path, seed: int) -> None:
        self.paths, self.random, self.commands = Paths(root), random.Random(seed), 0
        self.values = {day: 1 for day in ALL_DAYS if day <= FIRST_END}
        self.file, self.lag = 1, 5
        self.versions = dict.fromkeys((STAGED, MODEL, METRIC), 0)
        self.log: list[str] = []

    def staged(self, day: str) -> list[int]:
        """Return the staged rows of a day: none for a hole."""
        known = self.values.get(day)
        return [] if known is None else [1000 * self.versions[STAGED] + known]

    def expected(self) -> dict[str, dict[str, int]]:
        """Return what the tables must contain, from the files, code and settings alone."""
        own = self.versions[MODEL] * 10 + self.lag
        mart = {day: 100 * rows[0] + own for day in ALL_DAYS if (rows := self.staged(day))}
        return {"mart": mart, "metric": {day: self.metric(mart, day) for day in mart}}

    def metric(self, mart: dict[str, int], day: str) -> int:
        """Return the sum over the newest days up to this one."""
        back = sorted(each for each in mart if each <= day)[-LOOK_BACK:]
        return sum(mart[each] for each in back) + self.versions[METRIC]

    def step(self) -> None:
        """Let something happen to the files, the code, a setting or the data root."""
        days = list(self.values)
        action = self.random.choice(
            ["new", "new", "hole", "restated", "restated", "repeated", "code", "lag", "lost"]
        )
        self.log.append(action)
        if action in ("new", "hole") and days[-1] != ALL_DAYS[-1]:
            number = ALL_DAYS.index(days[-1]) + (1 if action == "new" else 2)
            self.values[ALL_DAYS[min(number, len(ALL_DAYS) - 1)]] = self.random.randrange(9)
        elif action == "restated":
            self.values[self.random.choice(days)] = self.random.randrange(9)
        elif action == "code":
            self.versions[self.random.choice(list(self.versions))] += 1
        elif action == "lag":
            self.lag += 1
        elif action == "lost":
            self._lose()
        self.file += action in ("new", "hole", "restated", "repeated")

    def _lose(self) -> None:
        partitions = sorted(self.paths.staging("bank_prices").glob("*.parquet"))
        lost = self.random.choice([self.paths.warehouse_file, *partitions])
        lost.unlink(missing_ok=True)

    def hashes(self, paths: Paths, files: object, settings: Settings, last: date) -> dict[str, str]:
        """Return the hashes that the staging partitions will have."""
        rows = {day: pl.DataFrame({"value": self.staged(day)}) for day in self.values}
        return {day: row_hashes(frame, pl.lit(day))[day] for day, frame in rows.items()}

    def command(self, *, kill: bool = False) -> int:
        """Build what changed; return the number of built assets."""
        self.commands += 1
        publication = Publication(self.paths, f"command-{self.commands}")
        changes = Changes(
            publication,
            Settings(default_lag_months=self.lag),
            dg.Definitions(assets=specs_of_the_chain()),
            {"bank_prices": str(self.file)},
            rebuild=False,
        )
        dies_at = self.random.randrange(1, 7) if kill else 0
        built = 0
        for job, keys in (*PARTS, ("market_metrics_job", [METRIC])):
            planned = FamilyRun(job, FIRST, max(self.values))
            work = changes.work(planned, keys)
            for _ in self._built(publication, changes, planned, work) if work else ():
                built += 1
                if built == dies_at:
                    raise Killed
        if built:
            publish(self.paths, [publication.run], {})
            if kill:
                raise Killed
            changes.remember()
        return built

    def _built(
        self, publication: Publication, changes: Changes, planned: FamilyRun, work: Work
    ) -> Iterator[None]:
        changes.forget(work.keys)
        first, last = str(work.run.first), str(work.run.last)
        days = [day for day in ALL_DAYS if first <= day <= last]
        for key in work.keys:
            self._build(publication, key, days)
            yield
        changes.note(planned, work)

    def _build(self, publication: Publication, key: dg.AssetKey, days: list[str]) -> None:
        folder = self.paths.staging("bank_prices")
        if key == STAGED:
            folder.mkdir(parents=True, exist_ok=True)
            for day in days:
                rows = pl.DataFrame({"value": self.staged(day)}, schema={"value": pl.Int64})
                rows.write_parquet(folder / f"{day}.parquet")
        elif key == MODEL:
            self._transform(folder, days)
        elif key == MART:
            rows = pl.DataFrame(list(self._warehouse().items()), MARTS_SCHEMA, orient="row")
            previous = publication.newest_if_any(MARTS.key)
            publication.register(write_table(self.paths, MARTS, rows, previous=previous))
        elif key == METRIC:
            mart = dict(publication.scan(MARTS.key).collect().iter_rows())
            fresh = [(day, self.metric(mart, day)) for day in days if day in mart]
            rows = pl.DataFrame(fresh, MARTS_SCHEMA, orient="row")
            previous = publication.newest_if_any(METRICS.key)
            replaced = days if previous else None
            publication.register(
                write_table(self.paths, METRICS, rows, previous=previous, replaced=replaced)
            )

    def _warehouse(self) -> dict[str, int]:
        file = self.paths.warehouse_file
        return json.loads(file.read_text()) if file.exists() else {}

    def _transform(self, folder: Path, days: list[str]) -> None:
        rows = {day: value for day, value in self._warehouse().items() if day not in days}
        for day in days:
            for value in pl.read_parquet(folder / f"{day}.parquet")["value"]:
                rows[day] = 100 * value + self.versions[MODEL] * 10 + self.lag
        self.paths.warehouse_file.parent.mkdir(exist_ok=True)
        self.paths.warehouse_file.write_text(json.dumps(dict(sorted(rows.items()))))

    def published(self) -> dict[str, dict[str, int]]:
        """Return the rows of the current tables."""
        publication = Publication(self.paths, "reader")
        tables = {"mart": MARTS, "metric": METRICS}
        return {
            name: dict(publication.scan(table.key).collect().sort("day").iter_rows())
            for name, table in tables.items()
        }


MARTS_SCHEMA = {"day": pl.String, "value": pl.Int64}


def replay(root: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History(root, seed)

    class Versions:
        def __init__(self, settings: Settings) -> None:
            self.lag = settings.default_lag_months

        def code(self, key: str) -> str:
            return str(history.versions.get(dg.AssetKey(key.split("/")), 0))

        def settings(self, key: str) -> str:
            return str(self.lag) if key.startswith("warehouse") else ""

    monkeypatch.setattr(change_plan, "Versions", Versions)
    rule = replace(FOLLOWS["prices_job"], hashes=history.hashes)
    monkeypatch.setitem(FOLLOWS, "prices_job", rule)
    history.command()
    for _ in range(STEPS):
        history.step()
        try:
            history.command(kill=history.random.random() < 0.25)
        except Killed:
            history.log.append("killed")
            continue
        assert history.published() == history.expected(), (seed, history.log)
    history.command()
    assert history.published() == history.expected(), (seed, history.log)
    assert history.command() == 0, (seed, history.log)


@pytest.mark.parametrize("seed", QUICK)
def test_any_history_ends_as_a_rebuild(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    replay(tmp_path, seed, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("seed", THOROUGH)
def test_any_of_many_histories_ends_as_a_rebuild(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    replay(tmp_path, seed, monkeypatch)
