"""The questions of docs/dashboard.md: their SQL answers them, and the page says the same."""

import re
from datetime import date
from pathlib import Path

import polars as pl

from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline.publishing.views import connect
from financial_pipeline_tests.conftest import PROJECT_ROOT
from financial_pipeline_tests.dashboard import world
from financial_pipeline_tests.dashboard.app import metrics, open_page, words

PAGE = (PROJECT_ROOT / "docs" / "dashboard.md").read_text("utf-8")
QUESTIONS = dict(
    re.findall(r'\*\*(.+?\?)\*\*.*?```bash\nfinancial-pipeline sql "(.+?)"\n```', PAGE, re.DOTALL)
)
LAST = date(2019, 3, 1)
# The answers of the hand-written world, in the order of the questions.
ANSWERS = (
    # Odd loans below 300, every fifth bad.
    [(150, 30, 0.2)],
    [(2014, 0.1, 0.0), (2018, 0.1, 0.6)],
    [("test", "BAD", 100, 100, 1.0, 0.05, 0.95)],
    [("GS", LAST, -0.1, 0.25), ("JPM", LAST, -0.1, 0.25)],
    [("GS", 1, 59, 1 / 59, 0.5), ("JPM", 1, 59, 1 / 59, 0.5)],
)


def test_each_question_is_answered_by_its_sql(whole_world: Path) -> None:
    paths = Paths(whole_world)
    with connect(paths, read_manifest(paths)) as connection:
        found = [connection.execute(query).fetchall() for query in QUESTIONS.values()]
    assert found == list(ANSWERS)


def test_a_year_can_change_if_only_loans_without_an_outcome_are_active(tmp_path: Path) -> None:
    cells = [
        {"issue_month": date(2018, 1, 1), "definition": "D1", "loans": loans, "defaults": defaults}
        | {"active_loans": active, "originated_loans": 100}
        for loans, defaults, active in ((100, 10, 0), (0, 0, 100))
    ]
    paths = Paths(tmp_path)
    world.put(paths, "metrics/default_rates_by_grade", pl.DataFrame(cells))
    publication.publish(paths, ["test"], world.SIMULATED)
    with connect(paths, read_manifest(paths)) as connection:
        answer = connection.execute([*QUESTIONS.values()][1]).fetchall()
    assert answer == [(2018, 0.1, 0.5)]


def test_clicks_lead_to_the_same_answer_as_sql(whole_world: Path) -> None:
    app = open_page(whole_world, "portfolio", fico="< 660", state="TX")
    assert metrics(app)["Chosen, default rate (D1)"] == "20.0%"
    assert "n 150 matured loans" in words(app)
