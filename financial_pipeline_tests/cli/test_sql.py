"""`sql`: statements end at a semicolon, answers come in several forms and with every row."""

import json
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from financial_pipeline.cli import read, sql_output, sql_prompt
from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import Table

ROWS = 10_001


@pytest.fixture(scope="module")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One published table: `n` from 1 to 10,001 and whether it is even."""
    paths = Paths(tmp_path_factory.mktemp("root"))
    frame = pl.DataFrame({"n": range(1, ROWS + 1)}).with_columns(is_even=pl.col("n") % 2 == 0)
    table = write_table(paths, Table("exports", "numbers", "", ("n",), order=None), frame)
    publication.Publication(paths, "test").register(table)
    publication.publish(paths, ["test"], {"source": "files"})
    return paths.data_root


@pytest.fixture(autouse=True)
def root(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(data_root))


def _sql(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(read.sql, arguments, input=text)


def test_a_statement_goes_on_to_its_semicolon_over_several_lines() -> None:
    # The first line alone would count every row.
    pasted = "select count(*) as rows from numbers\nwhere is_even\n  and n <= 100;\nexit\n"
    done = _sql(text=pasted)
    assert "│    50 │" in done.output
    assert "10001" not in done.output
    assert done.output.count("sql> ") == 2
    assert done.output.count("...> ") == 2


@pytest.mark.parametrize("end", ["", "\n", ";", ";\n"])
def test_the_end_of_the_input_ends_a_statement(end: str) -> None:
    assert "│    50 │" in _sql(text=f"select 50 as n\n{end}").output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("select 'a;b' as x;\n", "a;b"),
        ("select 4 as x -- no end; here\n;\n", "4"),
        ("select 1 as x; select 77 as y;\n", "77"),
        (".help\n", ".schema [TABLE]"),
        (".tables\n", "numbers"),
        (".schema numbers\n", "BOOLEAN"),
        (".schema marts.numbers;\n", "is_even"),
        (".schema nothing\n", "Error: No table is named 'nothing'; .tables lists them."),
        (".nothing\n", "Error: .nothing is no command; .help lists them."),
        ("select x from;\nselect 88 as y;\n", "88"),
        ("drop view numbers;\nselect count(*) from numbers;\n", "10001"),
    ],
)
def test_the_prompt_answers(text: str, words: str) -> None:
    done = _sql(text=text)
    assert done.exit_code == 0
    assert words in done.output


def test_the_terminal_shows_the_first_rows_of_how_many() -> None:
    done = _sql("select n from numbers order by n")
    assert done.output.endswith("The first 10,000 of 10,001 rows; -o FILE writes all of them.\n")
    assert "│  10000 │" in done.output
    assert "│  10001 │" not in done.output


def test_forms_for_programs_are_exact() -> None:
    query = "select n, is_even, null as nothing from numbers order by n limit 2"
    assert _sql("--format", "csv", query).output == "n,is_even,nothing\n1,false,\n2,true,\n"
    assert json.loads(_sql("--format", "json", query).output) == [
        {"n": 1, "is_even": False, "nothing": None},
        {"n": 2, "is_even": True, "nothing": None},
    ]
    assert _sql("--format", "markdown", query).output == (
        "| n | is_even | nothing |\n| --- | --- | --- |\n| 1 | False |  |\n| 2 | True |  |\n"
    )


ODD = """
select
    interval 3 day as i, [date '2020-01-01'] as l, map {'a': 1.10::decimal(4, 2)} as m, sum(n) as s,
    '101'::bit as b, 'ab'::blob as o, 1 as x, 2 as x
from numbers
"""
SUM = ROWS * (ROWS + 1) // 2


def test_types_that_a_form_has_not_are_text_and_sums_stay_integers() -> None:
    csv = f"i,l,m,s,b,o,x,x_1\n3 days,[2020-01-01],{{a=1.10}},{SUM},101,ab,1,2\n"
    assert _sql("--format", "csv", ODD).output == csv
    (row,) = json.loads(_sql("--format", "json", ODD).output)
    assert row == {"i": "3 days", "l": ["2020-01-01"], "m": {"a": "1.10"}, "s": SUM} | {
        "b": "101",
        "o": "ab",
        "x": 1,
        "x_1": 2,
    }
    assert isinstance(row["s"], int)
    assert f"| 3 days | [2020-01-01] | {{a=1.10}} | {SUM} |" in (
        _sql("--format", "markdown", ODD).output
    )


def test_an_answer_that_no_form_has_is_a_sentence_and_the_prompt_stays(
    capfd: pytest.CaptureFixture[str],
) -> None:
    done = _sql("--format", "json", text="select 'infinity'::date as d;\nselect 77 as y;\n")
    assert "Error: The answer cannot be written as json; cast its unusual columns" in done.output
    assert '[{"y":77}]' in done.output
    # The library's own report of its panic.
    assert "panicked" in capfd.readouterr().err


def test_a_typo_is_one_line_without_a_report(data_root: Path) -> None:
    done = _sql("selekt 1")
    assert str(done.exception) == (
        'DuckDB cannot answer the query: Parser Error: syntax error at or near "selekt"'
    )
    done = _sql("select *\nfrom numbrs")
    assert 'Did you mean "numbers"?' in str(done.exception)
    assert "\n" not in str(done.exception)


def test_an_interrupted_query_does_not_end_the_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    answer, asked = sql_prompt._answer, []

    def interrupted(*arguments: object) -> None:
        asked.append(arguments)
        if len(asked) == 1:
            raise KeyboardInterrupt
        answer(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(sql_prompt, "_answer", interrupted)
    done = _sql(text="select 1;\nselect 77 as y;\n")
    assert "Stopped." in done.output
    assert "77" in done.output


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".json"])
def test_a_file_has_every_row_in_the_form_of_its_name(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"all{suffix}"
    done = _sql("-o", str(file), "from numbers")
    assert (done.exit_code, done.output) == (0, "")
    read_file = {".csv": pl.read_csv, ".parquet": pl.read_parquet, ".json": pl.read_json}[suffix]
    frame = read_file(file)
    assert (frame.height, frame["n"].sum()) == (ROWS, ROWS * (ROWS + 1) // 2)


def test_a_file_that_cannot_be_written_is_refused_before_the_query(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="does not exist; create it first"):
        sql_output.output(None, tmp_path / "no" / "x.csv")
    with pytest.raises(PipelineError, match=r"known format \(.csv, .json, .parquet, .md\)"):
        sql_output.output(None, tmp_path / "x.xlsx")
    with pytest.raises(PipelineError, match="name a file with -o FILE"):
        sql_output.output("parquet", None)
    two = _sql("-o", str(tmp_path / "x.csv"), "select 1; select 2")
    assert str(two.exception) == "-o FILE takes one query, not 2."
    assert not (tmp_path / "x.csv").exists()
