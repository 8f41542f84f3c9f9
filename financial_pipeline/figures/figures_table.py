"""The main figures as tables on a terminal."""

import sys
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from financial_pipeline.figures import synthetic
from financial_pipeline.paths import Paths

# Width of tables that are not written to a terminal, in characters.
WIDE: Final = 80
# Columns of days, which may not be cut, and the width of a day.
DATES: Final = ("first", "last", "session", "observation", "as of")
DATE_WIDTH: Final = 10
# Sessions of the volatility that the table shows.
WINDOW = 63
GRADES = ("A", "B", "C", "D", "E", "F", "G", "all")


def _table(title: str, *columns: str) -> Table:
    # Without borders, the widest table fits a terminal of 80 columns.
    table = Table(
        title=title,
        title_justify="left",
        header_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    for index, name in enumerate(columns):
        least = DATE_WIDTH if name in DATES else None
        table.add_column(name, justify="left" if index == 0 else "right", min_width=least)
    return table


def _default_rates(rows: list[dict[str, Any]]) -> Table:
    table = _table(
        "Default rate by grade (95% interval)", "grade", "D1 matured", "loans", "D0", "D2"
    )
    cells = {(row["definition"], row["grade"]): row for row in rows}
    for grade in GRADES:
        d0, d1, d2 = (cells.get((name, grade)) for name in ("D0", "D1", "D2"))
        if d2:
            rate = (
                f"{d1['rate']:.2%} ({d1['low']:.2%} to {d1['high']:.2%})" if d1 else "none matured"
            )
            others = (f"{row['rate']:.2%}" if row else "-" for row in (d0, d2))
            table.add_row(grade, rate, f"{d1['loans']:,}" if d1 else "0", *others)
    return table


def _prices(rows: list[dict[str, Any]]) -> Table:
    """Make a table of the banks: their sessions, and the missing or flagged ones among them."""
    flags = {
        "missing_sessions": "missing",
        "scale_breaks": "breaks",
        "flagged_returns": "over 25%",
    }
    columns = ("first", "last", "sessions", *flags.values(), "volatility")
    table = _table("Bank prices", "symbol", *columns)
    for row in rows:
        counts = [f"{row[name]:,}" for name in ("sessions", *flags)]
        volatility = _shown(row["annualised_volatility"], ".3f")
        table.add_row(row["symbol"], row["first_date"], row["last_date"], *counts, volatility)
    return table


def _shown(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _metrics(content: dict[str, Any]) -> list[Table]:
    """Make tables of bank risk, defaults against the economy, and agreement of two engines."""
    tables: list[Table] = []
    columns: tuple[str, ...]
    if content["market"]:
        columns = ("session", "volatility 63", "Sharpe 252", "largest drawdown 252", "VaR 95%")
        tables.append(_table("Risk of the banks, last session", "symbol", *columns))
        for row in content["market"]:
            names = ("volatility_63d", "sharpe_252d", "max_drawdown_252d", "value_at_risk_95")
            numbers = [_shown(row[name], ".3f") for name in names]
            if row["returns_63d"] is not None and row["returns_63d"] < WINDOW:
                numbers[0] += f" ({row['returns_63d']} of {WINDOW})"
            if row["sharpe_252d"] is None and row["excess_note"]:
                numbers[1] = row["excess_note"].replace("_", " ")
            tables[-1].add_row(row["symbol"], row["session_date"], *numbers)
    if content["macro_correlations"]:
        columns = ("lag", "months", "correlation", "95% (HAC)")
        tables.append(_table("D1 vintage rate against the economy", "series", *columns))
        for row in content["macro_correlations"]:
            interval = f"{_shown(row['low'], '.2f')} to {_shown(row['high'], '.2f')}"
            months, value = str(row["months"]), _shown(row["correlation"], ".3f")
            tables[-1].add_row(row["macro_series"], str(row["lag_months"]), months, value, interval)
    if content["tables"]:
        columns = ("partitions", "rows", "DuckDB agrees", "largest difference")
        tables.append(_table("Metrics", "table", *columns))
        for row in content["tables"]:
            check = row["cross_engine_check"] or {}
            agrees = "yes" if check.get("passed") else "no"
            difference = _shown(check.get("max_rel_difference"), ".1e")
            counts = f"{row['partitions']:,}", f"{row['rows']:,}"
            tables[-1].add_row(row["name"], *counts, agrees, difference)
    return tables


def _model(content: dict[str, Any]) -> Table:
    """Make a table of both models, out of time and on a random split, titled with the gates."""
    reason = content["not_served"]
    title = f"Default model, cut-off {content['training_cutoff']}, gates "
    table = _table(
        f"{title}{'NOT passed' if reason else 'passed'}",
        "model",
        "evaluation",
        "loans",
        "AUC (95%)",
        "KS",
        "ECE",
    )
    for model in ("borrower_only", "platform_informed"):
        for evaluation in ("out_of_time", "random_split"):
            row = content[model][evaluation]
            interval = f"({_shown(row['auc_low'], '.3f')} to {_shown(row['auc_high'], '.3f')})"
            numbers = _shown(row["ks"], ".3f"), _shown(row["ece"], ".3f")
            auc = f"{_shown(row['auc'], '.3f')} {interval}"
            table.add_row(model, evaluation, f"{row['n']:,}", auc, *numbers)
    if reason:
        table.caption, table.caption_justify = f"Not served: {reason}.", "left"
    return table


def _stream(content: dict[str, Any]) -> Table:
    """Make a table of trading days: counts of messages, and agreement with the batch."""
    table = _table(
        f"Stream of trades, engine {content['engine']}",
        "session",
        "messages",
        "in bars",
        "late",
        "dead",
        "heartbeats",
        "bars",
        "equals batch",
    )
    for row in content["parity"]:
        names = ("produced", "aggregated", "late", "dead_lettered", "heartbeats", "bars_compared")
        counts = [f"{row[name]:,}" for name in names]
        table.add_row(row["session_date"], *counts, "yes" if row["passed"] else "NO")
    return table


def show(content: dict[str, Any], paths: Paths, hashes: bool = False) -> None:
    """Print the figures without the sections of absent datasets; `hashes` of tables if wanted."""
    is_terminal = sys.stdout.isatty()
    console = Console(width=None if is_terminal else WIDE, highlight=False)
    world = content["world"]
    if world.get("is_synthetic"):
        console.print(f"Simulated data (seed {world['seed']}, {world['loans']:,} loans).")
    elif content["synthetic"]:
        console.print(synthetic.sentence(content["synthetic"]))
    if content["default_rates"]:
        console.print(_default_rates(content["default_rates"]))
    if content["default_rates_note"]:
        console.print(f"Caution: {content['default_rates_note']}.", soft_wrap=True)
    if content["prices"]:
        console.print(_prices(content["prices"]))
    if content["macro"]:
        table = _table("Macro series, latest value", "series", "observation", "value", "as of")
        for row in content["macro"]:
            value = f"{row['value']:g}"
            day = f"about {row['as_of']}" if row["pit_method"] == "rule" else row["as_of"]
            table.add_row(row["series_id"], row["observation_date"], value, day)
        console.print(table)
    for metric_table in _metrics(content["metrics"]):
        console.print(metric_table)
    if content["model"]:
        console.print(_model(content["model"]))
    if content["stream"]:
        console.print(_stream(content["stream"]))
    table = _table("Published tables", "table", "rows", *(["content hash"] if hashes else []))
    for row in content["tables"]:
        found = [row["content_hash"][:12]] if hashes else []
        table.add_row(row["name"], f"{row['rows']:,}", *found)
    console.print(table)
    console.print(f"Files: {paths.data_root} (manifest {paths.manifest.name})", soft_wrap=True)
