"""The generated pages of `docs/` say what the code says."""

import pytest

from financial_pipeline.figures import generated_pages
from financial_pipeline.figures.generated_pages import configuration, module_map, type_name
from financial_pipeline.settings import Settings
from financial_pipeline_tests.conftest import PROJECT_ROOT


def test_generated_pages_in_docs_are_current() -> None:
    pages = generated_pages.generated_pages()
    assert sorted(pages) == ["configuration.md", "data_dictionary.md", "modules.md"]
    docs = PROJECT_ROOT / "docs"
    # If this fails: make dictionary
    assert {name: (docs / name).read_text("utf-8") for name in pages} == pages


def test_configuration_has_a_row_for_each_setting() -> None:
    variable = "FINANCIAL_PIPELINE_KEPT_VERSIONS"
    row = f"| `{variable}` | integer, at least 1 | `30` | Versions that stay readable. |"
    rows = [line for line in configuration().splitlines() if line.startswith("| `FINANCIAL")]
    assert row in rows
    # The key of FRED and the five variables of Amazon's tools have names of their own.
    assert len(rows) == len(Settings.model_fields) - 6


def test_a_setting_that_the_example_does_not_explain_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fields = Settings.model_fields | {"moon_phase": Settings.model_fields["loans"]}
    monkeypatch.setattr(generated_pages.Settings, "__pydantic_fields__", fields)
    with pytest.raises(KeyError, match="does not explain FINANCIAL_PIPELINE_MOON_PHASE"):
        configuration()


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("loans", "integer, 1 to 10,000,000"),
        ("kafka_port", "integer, a port"),
        ("automation", "true or false"),
        ("postgres_url", "secret"),
        ("landing", "path"),
        ("symbols", "list"),
        ("loan_staging_engine", "`polars` or `spark`"),
        ("first_session", "date"),
        ("cache_hours", "number, at least 0"),
    ],
)
def test_types_are_words(setting: str, words: str) -> None:
    assert type_name(Settings.model_fields[setting]) == words


def test_module_map_has_the_docstring_of_a_module() -> None:
    assert "| `manifest.py` | " in module_map()
    assert "| `settings.py` | One typed settings class, read from the environment" in module_map()
