"""The checklist "Add a dataset" of CONTRIBUTING.md, followed in a copy of the repository."""

from pathlib import Path

import pytest

from financial_pipeline_tests.conftest import PROJECT_ROOT
from financial_pipeline_tests.test_checklists import Checkout, checked_out

pytestmark = pytest.mark.slow

PACKAGE = "financial_pipeline"
NAME = "treasury_yields"
# File of the checklist -> its place in the repository.
NEW = {
    "source.py": f"{PACKAGE}/sources/{NAME}.py",
    "transform.py": f"{PACKAGE}/transforms/{NAME}.py",
    "staging.py": f"{PACKAGE}/staging/{NAME}.py",
    "raw_asset.py": f"{PACKAGE}/defs/raw/{NAME}.py",
    "staging_asset.py": f"{PACKAGE}/defs/staging/{NAME}.py",
    "stg.sql": "dbt_project/models/staging/stg_treasury__yields.sql",
    "stg.yml": "dbt_project/models/staging/stg_treasury__yields.yml",
    "fct.sql": "dbt_project/models/marts/fct_treasury_yields.sql",
    "fct.yml": "dbt_project/models/marts/fct_treasury_yields.yml",
}
# File, a line that occurs once in it, and the text that goes before that line.
READING = (
    (
        f"{PACKAGE}/schemas/raw.py",
        '    "fred_observations": RawDataset(',
        f"""    "{NAME}": RawDataset(
        "Daily par yields of the Treasury.", domain="macro", family="yields", staging="{NAME}"
    ),
""",
    ),
    (
        f"{PACKAGE}/sources/landing.py",
        "# Enough for the longest preamble",
        f"from financial_pipeline.sources import {NAME}\n\n",
    ),
    (
        f"{PACKAGE}/sources/landing.py",
        "    _Kind(\n        fred.matches,",
        f"""    _Kind({NAME}.matches, {NAME}.describe, "daily par yields (Date,1 Mo,...)"),\n""",
    ),
    (
        f"{PACKAGE}/schemas/staging.py",
        "STAGING_TABLES: Final",
        """# One row per day, yields as fractions; partition: month.
TREASURY_YIELDS: Final[Schema] = {
    "curve_date": pl.Date(),
    "yield_3m": pl.Float64(),
    "yield_10y": pl.Float64(),
    **PROVENANCE,
}

""",
    ),
    (
        f"{PACKAGE}/schemas/staging.py",
        '    "market_bars": MARKET_BARS,',
        f'    "{NAME}": TREASURY_YIELDS,\n',
    ),
)
GRAPH = (
    (
        f"{PACKAGE}/schemas/columns/landing.yml",
        "fred_observations:\n",
        f"{NAME}:\n  Date: Day.\n  3 Mo: Yield, per cent.\n  10 Yr: Yield, per cent.\n",
    ),
    (
        f"{PACKAGE}/schemas/columns/staging.yml",
        "market_bars:\n",
        f"{NAME}:\n  curve_date: Day.\n  yield_3m: Three months.\n  yield_10y: Ten years.\n",
    ),
    (
        f"{PACKAGE}/defs/partitions.py",
        '    "market_bars": SESSIONS,',
        '    "yields": OBSERVATION_MONTHS,\n',
    ),
    (
        f"{PACKAGE}/defs/jobs.py",
        '    "market_topics_job":',
        '    "yields_job": "Treasury yields by month: raw archive to published Parquet.",\n',
    ),
    (
        f"{PACKAGE}/defs/run_plan.py",
        "    if bars:\n",
        f"""    if yields := by_dataset.get("{NAME}"):
        runs.append(_events("yields_job", OBSERVATION_MONTHS, yields))
""",
    ),
    (
        f"{PACKAGE}/lineage/declarations.py",
        '        "staging/market_bars": _bars(),',
        f"""        "staging/{NAME}": {{
            "curve_date": ["raw/{NAME}.Date"],
            "yield_3m": ["raw/{NAME}.3 Mo"],
            "yield_10y": ["raw/{NAME}.10 Yr"],
        }},
""",
    ),
    (
        f"{PACKAGE}/lineage/from_sql.py",
        '    "market_bars": "session_date",',
        f'    "{NAME}": "curve_date",\n',
    ),
    (
        "dbt_project/models/staging/sources.yml",
        "      - name: market_bars\n",
        f"      - name: {NAME}\n        description: One row per day; by month.\n",
    ),
    (
        f"{PACKAGE}/schemas/marts.py",
        '        _mart("dim_macro_series"',
        '        _mart("fct_treasury_yields", "yields", ("curve_date",), "curve_date"),\n',
    ),
    (
        f"{PACKAGE}/figures/synthetic.py",
        '    "fct_market_bars",',
        '    "fct_treasury_yields",\n',
    ),
    (
        f"{PACKAGE}/dashboard/pages.py",
        '    "exports/fct_market_bars":',
        '    "exports/fct_treasury_yields": "No page yet.",\n',
    ),
)
YIELDS = """Date,"1 Mo","3 Mo","10 Yr"
01/02/2024,5.55,5.46,3.95
12/29/2023,5.60,5.40,3.88
12/28/2023,5.57,,3.84
"""
QUERY = f"""
    select
        string_agg(
            concat_ws(' ', curve_date, round(yield_3m, 4), round(term_spread, 4)), ', ' order by 1
        ),
        (select sum(physical_lines) from marts.row_accounting where dataset = '{NAME}')
    from marts.fct_treasury_yields"""


@pytest.fixture
def reading(tmp_path: Path) -> Checkout:
    """A copy that reads and stages the new dataset."""
    made = checked_out(tmp_path)
    for name, place in NEW.items():
        made.copy_as(f"dataset/{name}", place)
    for edit in READING:
        made.add(*edit)
    return made


def test_the_checklist_names_each_file() -> None:
    text = (PROJECT_ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("## Add a dataset")[2]
    changed = {place for place, *_ in (*READING, *GRAPH)}
    assert (len(NEW), len(changed)) == (9, 14)
    assert "nine new files and fourteen changed ones" in text
    assert [place for place in changed if "/".join(place.split("/")[-2:]) not in text] == []


def test_a_new_dataset_is_recognised_and_staged(reading: Checkout) -> None:
    reading.write("drop/yields.csv", YIELDS)
    staged = reading.stage(NAME, NAME, "'curve_date', 'yield_3m', 'yield_10y'")
    assert "datetime.date(2024, 1, 2), 0.0546, 0.0395" in staged


@pytest.mark.nightly
def test_a_new_dataset_follows_the_checklist_up_to_its_published_table(reading: Checkout) -> None:
    for edit in GRAPH:
        reading.add(*edit)
    reading.accepted()
    reading.write("drop/yields.csv", YIELDS)
    command = "from financial_pipeline.cli.main import main; main()"
    done = reading.run("-c", command, "demo", "--no-analytics")
    assert done.returncode == 0, done.stdout + done.stderr
    found = reading.run("-c", command, "sql", "--format", "csv", QUERY)
    rows = "2023-12-28, 2023-12-29 0.054 -0.0152, 2024-01-02 0.0546 -0.0151"
    assert f'"{rows}",4' in found.stdout, found.stderr
