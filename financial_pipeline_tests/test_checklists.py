"""The checklists of CONTRIBUTING.md, each followed in a copy of the repository."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from financial_pipeline_tests.conftest import PROJECT_ROOT
from financial_pipeline_tests.test_house import FILES

pytestmark = pytest.mark.slow

NEW_FILES = PROJECT_ROOT / "financial_pipeline_tests" / "checklists"
PRICES = """Date,Open,High,Low,Close,Adj Close,Volume
2024-01-02,92.60,94.13,92.30,93.67,90.11,9162000
2024-01-03,93.10,93.20,91.50,91.77,88.28,9183800
"""
RATES = "observation_date,TXUR\n2023-12-01,4.0\n2024-01-01,4.1\n"
# Tests that read every module, asset, column and page.
WHOLE = (
    "test_house.py",
    "test_definitions.py",
    "lineage/test_graph.py",
    "lineage/test_columns.py",
    "figures/test_generated_pages.py",
)
# Recognise, archive and stage the drop folder, as the assets do; print the staged values.
STAGE = """
import sys
from datetime import date
from pathlib import Path
import polars as pl
from financial_pipeline.paths import Paths
from financial_pipeline.raw import ingest
from financial_pipeline.settings import Settings
from financial_pipeline.staging.{module} import stage_{module}

settings = Settings()
paths = Paths(settings.data_root)
files, _ = ingest.archive_dataset(settings, paths, "{dataset}")
stage_{module}(paths, files, settings, date(2023, 12, 1), date(2024, 1, 31))
rows = pl.read_parquet(paths.staging("{dataset}") / "2*.parquet")
print(rows.select({columns}).rows())
"""


class Checkout:
    """A copy of the repository, its drop folder, and commands in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "drop").mkdir()

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, "utf-8")

    def copy(self, name: str, folder: str) -> None:
        """Put a new file of a checklist into a folder."""
        self.copy_as(name, f"{folder}/{name}")

    def copy_as(self, name: str, target: str) -> None:
        """Put a new file of a checklist somewhere under another name."""
        shutil.copyfile(NEW_FILES / name, self.folder / target)

    def add(self, name: str, before: str, text: str) -> None:
        """Insert text before a line that occurs once in a file."""
        content = (self.folder / name).read_text("utf-8")
        assert content.count(before) == 1, f"{before!r} in {name}"
        self.write(name, content.replace(before, text + before))

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command of this Python in the copy, whose `.env` has all settings."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("FINANCIAL_PIPELINE")}
        environment = {**inherited, "PYTHONPATH": str(self.folder)}
        line = [sys.executable, *command]
        return subprocess.run(
            line, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def stage(self, module: str, dataset: str, columns: str) -> str:
        script = STAGE.format(module=module, dataset=dataset, columns=columns)
        done = self.run("-c", script)
        return done.stdout + done.stderr

    def accepted(self) -> None:
        """Write the generated pages, and run the tests that read the whole repository."""
        subprocess.run(["git", "init", "--quiet"], cwd=self.folder, check=True)
        command = "from financial_pipeline.cli.main import main; main()"
        written = self.run("-c", command, "docs", "--pages", "docs")
        assert written.returncode == 0, written.stderr
        tests = [f"financial_pipeline_tests/{name}" for name in WHOLE]
        tested = self.run("-m", "pytest", "-q", "-x", "-n0", "-p", "no:cacheprovider", *tests)
        assert tested.returncode == 0, tested.stdout


def checked_out(folder: Path) -> Checkout:
    """Copy the repository."""
    for file in FILES:
        copy = folder / file.relative_to(PROJECT_ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    made = Checkout(folder)
    made.write(".env", settings())
    return made


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return checked_out(tmp_path)


def settings(**values: str) -> str:
    found = {"SOURCE": "files", "LANDING": "drop", **values}
    return "".join(f"FINANCIAL_PIPELINE_{name}={value}\n" for name, value in found.items())


def test_a_bank_is_one_line_of_settings(checkout: Checkout) -> None:
    checkout.write("drop/MS.csv", PRICES)
    place = ("prices", "bank_prices", "'symbol', 'adjusted_close'")
    refused = checkout.stage(*place)
    assert "set FINANCIAL_PIPELINE_SYMBOLS=JPM,BAC,C,WFC,GS,MS." in refused
    checkout.write(".env", settings(SYMBOLS="JPM,BAC,C,WFC,GS,MS"))
    assert checkout.stage(*place) == "[('MS', 90.11), ('MS', 88.28)]\n"


def test_a_macro_series_is_one_line_of_settings(checkout: Checkout) -> None:
    checkout.write("drop/TXUR.csv", RATES)
    place = ("fred", "fred_observations", "'series_id', 'value'")
    refused = checkout.stage(*place)
    assert "TXUR, which is no known FRED series" in refused
    checkout.write(".env", settings(FRED_SERIES="UNRATE,TXUR"))
    assert checkout.stage(*place) == "[('TXUR', 4.0), ('TXUR', 4.1)]\n"


CONTRACT = """DOLLAR_VOLUMES: Final = _metric(
    name="dollar_volumes",
    grain="One row per session and bank.",
    domain="market",
    partition="session_date",
    columns={
        **_of("date", "key", "session_date"),
        **_of("string", "key", "symbol"),
        **_of("double", "sum", "dollar_volume_usd"),
    },
)

"""
MEANINGS = """dollar_volumes:
  session_date: Trading day.
  symbol: Ticker.
  dollar_volume_usd: Closing price times shares traded, dollars.
"""
# Both engines over one made-up session, compared as the asset does.
COMPUTE = """
from datetime import date
from pathlib import Path
import polars as pl
from financial_pipeline.crosscheck.agreement import compare
from financial_pipeline.crosscheck.recompute import recompute
from financial_pipeline.spark.catalogue import METRICS
from financial_pipeline.spark.session import start_session

day, metric = date(2024, 1, 2), METRICS["dollar_volumes"]
prices = {"symbol": ["MS"], "session_date": [day], "close": [93.67], "volume": [9162000]}
pl.DataFrame(prices).write_parquet("prices.parquet")
files = {"fct_daily_prices": [Path("prices.parquet")]}
again = recompute(metric.table, files, day, day, default_lag_months=5)
spark = start_session("local[1]")
marts = {"fct_daily_prices": spark.read.parquet("prices.parquet")}
computed = metric.compute(spark, marts, day, day, default_lag_months=5)
rows = pl.DataFrame(pl.from_arrow(computed.toArrow()))
print(rows.rows(), compare(metric.table, rows, again).holds)
"""

PAGE_ENTRY = """    "liquidity": Page(
        "Dollar volume of the banks' shares.",
        ("metrics/dollar_volumes",),
    ),
"""
FIGURE = """liquidity:
  dollar_volume_usd: {text: Dollar volume., from: [metrics/dollar_volumes.dollar_volume_usd]}
"""
# The page over one published row.
OPEN = """
from datetime import date
from pathlib import Path
import polars as pl
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline_tests.dashboard import world
from financial_pipeline_tests.dashboard.app import open_page

paths = Paths(Path("data").resolve())
row = {"session_date": [date(2024, 1, 2)], "symbol": ["MS"], "dollar_volume_usd": [858204540.0]}
world.put(paths, "metrics/dollar_volumes", pl.DataFrame(row))
publication.publish(paths, ["test"], world.SIMULATED)
page = open_page(paths.data_root, "liquidity")
assert not page.exception, page.exception
print([header.value for header in page.header], page.dataframe[0].value.values.tolist())
"""


@pytest.fixture
def with_metric(checkout: Checkout) -> Checkout:
    package = "financial_pipeline"
    checkout.add(f"{package}/schemas/metrics.py", "METRIC_TABLES: Final", CONTRACT)
    checkout.add(
        f"{package}/schemas/metrics.py",
        "        MACRO_CORRELATIONS,\n",
        "        DOLLAR_VOLUMES,\n",
    )
    checkout.copy("dollar_volumes.py", f"{package}/spark")
    catalogue = f"{package}/spark/catalogue.py"
    name = "dollar_volumes"
    line = f"from {package}.spark.{name} import {name}\n"
    checkout.add(catalogue, f"from {package}.spark.macro_correlations", line)
    checkout.add(
        catalogue, "        Metric(macro_correlations", f"        Metric({name}, (PRICES,)),\n"
    )
    checkout.copy("dollar_volumes.sql", f"{package}/crosscheck")
    checkout.add(f"{package}/schemas/columns/metrics.yml", "macro_correlations:\n", MEANINGS)
    return checkout


@pytest.fixture
def with_page(with_metric: Checkout) -> Checkout:
    """The page reads the metric, which is then no longer an end of the graph."""
    dashboard = "financial_pipeline/dashboard"
    with_metric.copy("liquidity.py", f"{dashboard}/app_pages")
    with_metric.add(f"{dashboard}/pages.py", '    "macro": Page(', PAGE_ENTRY)
    with_metric.add("financial_pipeline/schemas/columns/dashboard.yml", "health:\n", FIGURE)
    return with_metric


@pytest.mark.nightly
def test_a_metric_and_a_page_follow_the_checklists(with_page: Checkout) -> None:
    with_page.accepted()
    computed = with_page.run("-c", COMPUTE)
    row = "[(datetime.date(2024, 1, 2), 'MS', 858204540.0)] True"
    assert row in computed.stdout, computed.stderr
    shown = with_page.run("-c", OPEN)
    assert "['Dollar volume']" in shown.stdout, shown.stderr
    assert "'MS', 858204540.0" in shown.stdout
