"""The few figures that a reader should know first, as sentences for the end of a run."""

from typing import Any, Final

# Commands to run after a build, and what they show.
NEXT: Final = (
    ("dashboard{root}", "the pages, in a browser"),
    ("sql{root} 'from default_rates_by_grade'", "any query over the published tables"),
    ("figures{root}", "all main figures again"),
)
HEADLINE_SERIES: Final = "UNRATE"


def sentences(content: dict[str, Any]) -> list[str]:
    """Return a line for each family of the figures that has data, as `figures.figures` gives it."""
    lines = [_loans(content), _banks(content), _macro(content), _model(content["model"])]
    return [line for line in lines if line]


def _loans(content: dict[str, Any]) -> str | None:
    found = [
        row
        for row in content["default_rates"]
        if (row["definition"], row["grade"]) == ("D1", "all")
    ]
    if not found:
        return None
    row = found[0]
    return (
        f"Matured loans that defaulted (D1): {row['rate']:.2%}"
        f" (95% {row['low']:.2%} to {row['high']:.2%}, n {row['loans']:,})"
    )


def _banks(content: dict[str, Any]) -> str | None:
    banks = [row for row in content["prices"] if row["annualised_volatility"] is not None]
    if not banks:
        return None
    calm, wild = (
        choose(banks, key=lambda row: float(row["annualised_volatility"])) for choose in (min, max)
    )
    return (
        f"Annualised volatility of {len(banks):,} banks: {calm['annualised_volatility']:.1%}"
        f" ({calm['symbol']}) to {wild['annualised_volatility']:.1%} ({wild['symbol']}),"
        f" up to {max(row['last_date'] for row in banks)}"
    )


def _macro(content: dict[str, Any]) -> str | None:
    series = [row for row in content["macro"] if row["series_id"] == HEADLINE_SERIES]
    if not series:
        return None
    row = series[0]
    return f"Unemployment ({HEADLINE_SERIES}): {row['value']:g}% of {row['observation_date'][:7]}"


def _model(content: dict[str, Any]) -> str | None:
    row = content.get("borrower_only", {}).get("out_of_time")
    if not row or row["auc"] is None:
        return None
    reason = content["not_served"]
    served = f"not served: {reason}" if reason else "served"
    return (
        f"Default model (borrower only), out of time: AUC {row['auc']:.3f}, KS {row['ks']:.3f};"
        f" {served}"
    )
