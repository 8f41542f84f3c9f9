"""The commands that read published tables and describe them."""

import json
import os
import shlex
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from financial_pipeline.cli.options import (
    DAY,
    Format,
    data_root,
    data_root_option,
    format_option,
    given_data_root,
    json_option,
    kept_versions,
    output_option,
    version_option,
)
from financial_pipeline.errors import PipelineError

# Width of a usual terminal, in characters.
COLUMNS = 80


def show_figures(as_json: bool, version: str | None = None, *, hashes: bool = False) -> None:
    """Print the main figures as a table, or as JSON; `hashes` adds content hashes to the table."""
    from financial_pipeline.figures import figures, figures_table

    content = figures.figures(data_root(), version)
    if as_json:
        click.echo(json.dumps(content, indent=1))
    else:
        figures_table.show(content, data_root(), hashes=hashes)


def show_headline() -> None:
    """Print the few figures to know first, and three commands that lead on."""
    from financial_pipeline.figures import attention, figures, headline
    from financial_pipeline.simulator import planted_faults

    content = figures.figures(data_root())
    for sentence in headline.sentences(content):
        click.echo(sentence)
    found = attention.sentence(data_root())
    if found:
        click.echo(found)
    if found and planted_faults.is_planted(content["world"].get("loans") or 0):
        click.echo(planted_faults.SENTENCE)
    click.echo("Next:")
    root = (
        f" --data-root {shlex.quote(given_data_root())}"
        if "FINANCIAL_PIPELINE_DATA_ROOT" in os.environ
        else ""
    )
    for command, purpose in headline.NEXT:
        line, comment = f"  financial-pipeline {command.format(root=root)}", f"  # {purpose}"
        fits = len(line + comment) <= COLUMNS
        click.echo(line + comment if fits else f"{comment}\n{line}")


@click.command()
@data_root_option
@version_option
@json_option
@click.option("--hashes", is_flag=True, help="Also print the content hash of each table.")
def figures(version: str | None, as_json: bool, hashes: bool) -> None:
    """Print the main figures of the published version."""
    show_figures(as_json, version, hashes=hashes)


@click.command()
@data_root_option
@click.argument("first", shell_complete=kept_versions)
@click.argument("second", shell_complete=kept_versions)
@json_option
def diff(first: str, second: str, as_json: bool) -> None:
    """Print the rows that differ between the kept versions FIRST and SECOND, by table and column.

    The inputs after `because` are those whose content differs.
    """
    from financial_pipeline.figures import version_diff

    entries = version_diff.diff(data_root(), first, second)
    click.echo(json.dumps(entries, indent=1) if as_json else version_diff.as_text(entries))


@click.command("as-of")
@data_root_option
@click.argument("series")
@click.argument("observation_date", type=DAY, metavar="OBSERVATION_DATE")
@click.argument("as_of_date", type=DAY, metavar="AS_OF_DATE")
@json_option
def as_of_command(
    series: str, observation_date: datetime, as_of_date: datetime, as_json: bool
) -> None:
    """Print one macro value as it was known on a day, and on which days it was valid."""
    from financial_pipeline.figures import as_of

    known = as_of.as_of(series.upper(), as_of_date.date(), observation_date.date(), data_root())
    click.echo(json.dumps(asdict(known), default=str) if as_json else as_of.sentence(known))


@click.command()
@click.argument("column")
@json_option
def lineage(column: str, as_json: bool) -> None:
    """Print the inputs of a COLUMN (layer.table.column), up to the raw fields."""
    from financial_pipeline.lineage import chain

    key = chain.parse(column)
    click.echo(json.dumps(chain.as_object(key), indent=1) if as_json else chain.as_text(key))


@click.command()
@data_root_option
@version_option
@format_option
@output_option(
    "Write all rows to this file; its suffix (.csv, .json, .parquet, .md) is the format."
)
@click.argument("query", required=False)
def sql(version: str | None, form: Format | None, file: Path | None, query: str | None) -> None:
    """Query the published tables with DuckDB SQL; without QUERY, a prompt.

    The session only reads the published tables. A table of the terminal shows the first 10,000
    rows; the other formats have all of them.
    """
    from financial_pipeline.cli import sql_output, sql_prompt
    from financial_pipeline.publishing.manifest import read_version
    from financial_pipeline.publishing.versions import reading

    if file is not None and query is None:
        raise PipelineError("-o FILE needs a QUERY: financial-pipeline sql -o FILE 'select ...'.")
    wanted, paths = sql_output.output(form, file), data_root()
    manifest = read_version(paths, version)
    with reading(paths, manifest.version):
        sql_prompt.run(paths, manifest, query, wanted)


@click.command()
@data_root_option
@version_option
@output_option("The HTML file to write.", default="report.html")
def report(version: str | None, file: Path) -> None:
    """Write the portfolio, market and model figures as one HTML file, fit for print.

    The file makes no request. A figure that is absent has its reason instead.
    """
    if not file.parent.is_dir():
        raise PipelineError(f"The folder {file.parent} does not exist; make it, or pass another.")
    from streamlit.logger import set_log_level

    # Streamlit warns that its cache has no server.
    set_log_level("ERROR")
    from financial_pipeline import files
    from financial_pipeline.dashboard import report as report_document
    from financial_pipeline.dashboard.data import Release
    from financial_pipeline.publishing.manifest import read_version
    from financial_pipeline.publishing.versions import reading

    paths = data_root()
    manifest = read_version(paths, version)
    with reading(paths, manifest.version):
        document = report_document.build(Release(paths, manifest))
    files.replace_file(file, document)
    click.echo(f"Wrote {file} ({len(document) // 1000:,} kB): version {manifest.version}.")


@click.command()
@data_root_option
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The HTML file to write; default: dbt.html in the data root.",
)
@click.option(
    "--pages",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Write the generated Markdown pages into this folder instead, and the column lineage.",
)
def docs(output: Path | None, pages: Path | None) -> None:
    """Write the documentation of the dbt project as one HTML page."""
    from financial_pipeline.defs.warehouse import project

    if pages:
        from financial_pipeline.figures.generated_pages import generated_pages
        from financial_pipeline.lineage import catalogue

        catalogue.LINEAGE_FILE.write_text(project.lineage_of_sql(), "utf-8")
        for name, text in generated_pages().items():
            (pages / name).write_text(text, "utf-8")
        return

    page = output or data_root().data_root / "dbt.html"
    project.generate_docs(data_root(), page)
    click.echo(f"Open {page} in a browser.")
