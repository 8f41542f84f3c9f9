"""The chain of a column, as people and programs ask for it."""

import json

from click.testing import CliRunner

from financial_pipeline.cli.main import commands

COLUMN = "warehouse.fct_macro_observations.value"


def test_lineage_prints_every_step_up_to_the_raw_field() -> None:
    result = CliRunner().invoke(commands, ["lineage", COLUMN])
    assert [line.split(":")[0].strip() for line in result.output.splitlines()] == [
        "warehouse/fct_macro_observations.value",
        "warehouse/stg_fred__observations.value",
        "staging/fred_observations.value",
        "raw/fred_observations.value",
    ]


def test_lineage_as_json_names_the_raw_fields() -> None:
    found = json.loads(CliRunner().invoke(commands, ["lineage", COLUMN, "--json"]).output)
    assert found["raw_fields"] == ["raw/fred_observations.value"]
    assert [step["column"].split("/")[0] for step in found["steps"]] == [
        "warehouse",
        "warehouse",
        "staging",
        "raw",
    ]
    assert all(step["description"] for step in found["steps"])


def test_an_unknown_column_is_one_sentence_with_near_names() -> None:
    result = CliRunner().invoke(commands, ["lineage", "metrics.portfolio_summary.valu"])
    assert result.exit_code == 1
    assert "such as metrics.portfolio_summary.value or" in str(result.exception)
