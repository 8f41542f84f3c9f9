"""Parts of the report: text, cards, tables and charts as HTML without scripts or addresses."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

import polars as pl

from financial_pipeline.dashboard import table_columns
from financial_pipeline.dashboard.charts import BLUE, GREEN, GREY, ORANGE, RED
from financial_pipeline.dashboard.elements import Card

# A longer table would fill the printed page; the dashboard exports all rows.
MOST_ROWS: Final = 40
WIDTH, HEIGHT, LEFT, BOTTOM = 720, 250, 62, 26
COLOURS: Final = (BLUE, ORANGE, GREEN, RED, "#7B5EA7", "#5C6B7A")
TICKS: Final = 4
STYLE: Final = """
:root { color-scheme: light dark; --line: #8888 }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { margin-bottom: .2rem } h2 { margin-top: 2.4rem; border-bottom: 2px solid var(--line) }
table { border-collapse: collapse; width: 100%; font-size: .86rem; margin: .5rem 0 }
th, td { text-align: left; padding: .25rem .5rem; border-bottom: 1px solid var(--line);
  vertical-align: top }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
.wide { overflow-x: auto } .source { font-size: .82rem; opacity: .8 }
.absent, .banner { border-left: 4px solid #E08A00; padding: .3rem .8rem }
svg { width: 100%; height: auto } svg text { font-size: 12px; fill: currentColor }
@page { size: A4; margin: 16mm }
@media print {
  :root { color-scheme: light } body { max-width: none; margin: 0; padding: 0; font-size: 10pt }
  h2 { break-after: avoid } table, svg, figure { break-inside: avoid } .wide { overflow: visible }
}
"""
# Forbids every request, whatever a text of the data contains.
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def page(title: str, parts: Sequence[str]) -> str:
    """Return a whole document."""
    return (
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def text(words: str, kind: str = "") -> str:
    """Return a paragraph; `**strong**` and `` `code` `` are the only markup of the words."""
    safe = escape(words, quote=False)
    safe = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", safe)
    safe = re.sub(r"`(.+?)`", r"<code>\1</code>", safe)
    return f'<p class="{kind}">{safe}</p>' if kind else f"<p>{safe}</p>"


def cards(rows: Sequence[Card]) -> str:
    """Return cards as a table: figure, value, change, count and interval, and the meaning."""
    lines = [
        (
            card.label,
            card.value,
            f"{card.delta} {card.since or ''}" if card.delta else "",
            card.note,
            card.meaning,
        )
        for card in rows
    ]
    heads = ("Figure", "Value", "Change", "Count, interval, date", "Meaning")
    return _table(heads, lines, {1, 2})


def table(frame: pl.DataFrame) -> str:
    """Return the first rows of a frame, formatted as the dashboard does."""
    shown = frame.head(MOST_ROWS)
    columns = [table_columns.as_text(name, shown[name]) for name in shown.columns]
    right = {at for at, kind in enumerate(shown.dtypes) if kind.is_numeric()}
    lines = [list(cells) for cells in zip(*columns, strict=True)]
    heads = [table_columns.in_words(name) for name in shown.columns]
    cut = f"The first {MOST_ROWS} of {frame.height:,} rows."
    return _table(heads, lines, right) + (text(cut, "source") if frame.height > MOST_ROWS else "")


def _table(heads: Sequence[str], lines: Sequence[Sequence[str]], right: set[int]) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        kinds = [' class="n"' if at in right else "" for at in range(len(cells))]
        return "".join(
            f"<{tag}{kind}>{escape(cell)}</{tag}>" for kind, cell in zip(kinds, cells, strict=True)
        )

    body = "".join(f"<tr>{row(cells, 'td')}</tr>" for cells in lines)
    return (
        f'<div class="wide"><table><thead><tr>{row(heads, "th")}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def bars(frame: pl.DataFrame, label: str, value: str, title: str) -> str:
    """Return a bar chart of `value`, a fraction, by `label`, with whiskers from `low` to `high`."""
    rows = frame.drop_nulls(value).to_dicts()
    tops = [row[name] for row in rows for name in (value, "high") if row[name] is not None]
    y = _Scale(0.0, max([*tops, 1e-9]))
    width = (WIDTH - LEFT) / max(len(rows), 1)
    parts = [y.axis(".1%")]
    for at, row in enumerate(rows):
        x, top = LEFT + at * width, y(row[value])
        parts.append(
            f'<rect x="{x + width * 0.15:.1f}" y="{top:.1f}" width="{width * 0.7:.1f}"'
            f' height="{HEIGHT - BOTTOM - top:.1f}" fill="{BLUE}"/>'
        )
        middle = x + width / 2
        if row["low"] is not None:
            parts.append(
                f'<line x1="{middle:.1f}" x2="{middle:.1f}" y1="{y(row["low"]):.1f}"'
                f' y2="{y(row["high"]):.1f}" stroke="{GREY}" stroke-width="2"/>'
            )
        name = escape(str(row[label]))
        parts.append(f'<text x="{middle:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{name}</text>')
    return _figure(title, parts)


def lines(series: Mapping[str, Sequence[tuple[float, float]]], title: str, form: str) -> str:
    """Return a chart of lines by name, each of (x, y) from left to right; `form` is y's."""
    points = [point for line in series.values() for point in line]
    if not points:
        return text("No values in this period.", "absent")
    y = _Scale(min(v for _, v in points), max(v for _, v in points))
    first, last = min(at for at, _ in points), max(at for at, _ in points)
    step = (WIDTH - LEFT) / ((last - first) or 1)
    parts = [y.axis(form)]
    for number, (name, line) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{LEFT + (at - first) * step:.1f},{y(v):.1f}" for at, v in line)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        )
        parts.append(
            f'<text x="{LEFT + number * 80}" y="{HEIGHT - 6}" style="fill:{colour}">'
            f"{escape(name)}</text>"
        )
    return _figure(title, parts)


class _Scale:
    """Values to heights of the plot."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high if high > low else low + 1

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return 10 + (1 - share) * (HEIGHT - BOTTOM - 10)

    def axis(self, form: str) -> str:
        """Return lines and numbers of a few heights."""
        steps = [self.low + (self.high - self.low) * at / TICKS for at in range(TICKS + 1)]
        return "".join(
            f'<line x1="{LEFT}" x2="{WIDTH}" y1="{self(v):.1f}" y2="{self(v):.1f}"'
            f' stroke="{GREY}" stroke-opacity=".35"/>'
            f'<text x="{LEFT - 6}" y="{self(v) + 4:.1f}" text-anchor="end">{v:{form}}</text>'
            for v in steps
        )


def _figure(title: str, parts: Sequence[str]) -> str:
    return (
        f'<figure style="margin:0"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg></figure>"
    )
