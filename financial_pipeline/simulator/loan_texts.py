"""The text columns of a chunk of loans: titles, places and texts of borrowers."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from financial_pipeline.simulator import borrower_tables as tables
from financial_pipeline.simulator.borrowers import Borrowers
from financial_pipeline.simulator.loan_calendar import by_year
from financial_pipeline.simulator.loan_draws import FloatArray, IntArray, Part, choose, generator
from financial_pipeline.sources.simulated import SITE

URL_START: Final = f"https://{SITE}/browse/loanDetail.action?loan_id="
# Share of all loans, first and last three-digit zip area; a place has one state.
STATES: Final = {
    "CA": (0.140, 900, 961), "TX": (0.082, 750, 799), "NY": (0.082, 100, 149),
    "FL": (0.071, 320, 349), "IL": (0.040, 600, 629), "NJ": (0.036, 70, 89),
    "PA": (0.034, 150, 196), "OH": (0.033, 430, 459), "GA": (0.033, 300, 319),
    "VA": (0.028, 220, 246), "NC": (0.028, 270, 289), "MI": (0.026, 480, 499),
    "MD": (0.024, 206, 219), "AZ": (0.024, 850, 865), "MA": (0.023, 10, 27),
    "CO": (0.021, 800, 816), "WA": (0.021, 980, 994), "MN": (0.018, 550, 567),
    "IN": (0.017, 460, 479), "TN": (0.016, 370, 385), "MO": (0.016, 630, 658),
    "CT": (0.016, 60, 69), "NV": (0.015, 889, 898), "WI": (0.013, 530, 549),
    "SC": (0.012, 290, 299), "AL": (0.012, 350, 369), "OR": (0.012, 970, 979),
    "LA": (0.011, 700, 714), "KY": (0.010, 400, 427), "OK": (0.009, 730, 749),
    "KS": (0.008, 660, 679), "AR": (0.0075, 716, 729), "UT": (0.007, 840, 847),
    "MS": (0.0055, 386, 397), "NM": (0.0053, 870, 884), "NH": (0.005, 30, 38),
    "HI": (0.0047, 967, 968), "RI": (0.0044, 28, 29), "WV": (0.0036, 247, 268),
    "NE": (0.0035, 680, 693), "DE": (0.0028, 197, 199), "MT": (0.0028, 590, 599),
    "DC": (0.0024, 200, 205), "AK": (0.0023, 995, 999), "WY": (0.0021, 820, 831),
    "VT": (0.0021, 50, 59), "SD": (0.002, 570, 577), "ME": (0.0022, 39, 49),
    "ID": (0.002, 832, 838), "ND": (0.0016, 580, 588), "IA": (0.0001, 500, 528),
}  # fmt: skip
JOBS: Final = tuple(
    """
    Teacher|Manager|Owner|Registered Nurse|Driver|Supervisor|Sales|Office Manager|Director
    |General Manager|Engineer|Project Manager|President|Attorney|Vice President|Mechanic
    |Administrative Assistant|Truck Driver|Accountant|Nurse|Police Officer|Server
    |Software Engineer|Technician|Account Manager|Analyst|Operations Manager|Electrician
    |Executive Assistant|Paralegal|Branch Manager|Machine Operator|Cashier|Welder|Chef, Banquets
    |Customer Service|Assistant Manager|Store Manager|Sergeant|Maintenance|Professor
    """.replace("\n", "")
    .replace("    ", "")
    .split("|")
)
DESCRIPTIONS: Final = (
    "  Borrower added on 03/14/11 > Consolidating cards, one payment instead of four.<br>",
    '  Borrower added on 07/02/11 > My bank said "no", my payments were never late.<br>',
    "I plan to repair the roof, the porch and the fence before winter.",
    "To pay off two store cards; steady job, no late payments.",
    "  Borrower added on 11/20/12 > Café equipment for a small shop – thank you!<br>",
    "Medical bills, insurance covers the rest.",
)
EMPLOYMENT_TEXTS: Final = tuple(text for text in tables.EMPLOYMENT if text != "n/a")
JOB_NULLS: Final = {2007: 0.09, 2008: 0.041, 2010: 0.058, 2011: 0.066, 2015: 0.055, 2018: 0.09}
DESCRIPTION_NULLS: Final = {
    2007: 0.025, 2008: 0.0, 2009: 0.03, 2010: 0.33, 2011: 0.41, 2012: 0.44, 2013: 0.66,
    2014: 0.94, 2018: 1.0,
}  # fmt: skip
TITLE_NULLS: Final = {2014: 0.0, 2015: 0.02, 2018: 0.01}
WHOLE_LOAN_SHARES: Final = {2011: 0.0, 2012: 0.2, 2013: 0.35, 2014: 0.5, 2015: 0.65, 2018: 0.75}
DIRECT_PAY_SHARES: Final = {2016: 0.0, 2017: 0.02, 2018: 0.13}


def draw_texts(seed: int, chunk: int, loans: Borrowers, ids: IntArray) -> pl.DataFrame:
    """One row per loan: every text column that is known when the loan is granted."""
    rng = generator(seed, Part.TEXT, chunk)
    issue, size = loans.issue, loans.issue.size
    sub_grade = 5 * loans.grade + loans.digit - 1
    state, zip_area = draw_places(rng, size)
    id_text = pl.Series(ids).cast(pl.String)
    job = choose(rng, 1 / (np.arange(len(JOBS)) + 3), size)
    description = rng.integers(0, len(DESCRIPTIONS), size)
    titles = [title for _, title, _ in tables.PURPOSES]
    return pl.DataFrame(
        {
            "id": id_text,
            "member_id": pl.Series([None] * size, dtype=pl.String),
            "term": lookup((" 36 months", " 60 months"), (loans.term == 60).astype(np.int64)),
            "grade": lookup(tables.GRADES, loans.grade),
            "sub_grade": lookup(tables.SUB_GRADES, sub_grade),
            "emp_title": _some(rng, lookup(JOBS, job), by_year(JOB_NULLS, issue)),
            "emp_length": lookup([*EMPLOYMENT_TEXTS, None], loans.employment),
            "home_ownership": _homes(rng, loans),
            "verification_status": lookup(tuple(tables.VERIFICATIONS), loans.verification),
            "url": URL_START + id_text,
            "desc": _some(
                rng, lookup(DESCRIPTIONS, description), by_year(DESCRIPTION_NULLS, issue)
            ),
            "purpose": lookup(tables.PURPOSE_CODES, loans.purpose),
            "title": _some(rng, lookup(titles, loans.purpose), by_year(TITLE_NULLS, issue)),
            "zip_code": zip_area,
            "addr_state": state,
            "initial_list_status": lookup("fw", _flag(rng, by_year(WHOLE_LOAN_SHARES, issue))),
            "application_type": lookup(("Individual", "Joint App"), loans.is_joint.astype(int)),
            "disbursement_method": lookup(
                ("Cash", "DirectPay"), _flag(rng, by_year(DIRECT_PAY_SHARES, issue))
            ),
        }
    )


def lookup(texts: Sequence[str | None], positions: IntArray) -> pl.Series:
    """The text at each position, as a column."""
    return pl.Series(list(texts), dtype=pl.String).gather(positions)


def draw_places(rng: np.random.Generator, size: int) -> tuple[pl.Series, pl.Series]:
    """State codes, and zip codes of which three digits are given (`190xx`)."""
    shares, first, last = (np.array(column) for column in zip(*STATES.values(), strict=True))
    state = choose(rng, shares, size)
    areas = first[state] + np.floor(rng.random(size) * (last - first + 1)[state])
    zips = [f"{area:03d}xx" for area in range(1000)]
    return lookup(tuple(STATES), state), lookup(zips, areas.astype(np.int64))


def _flag(rng: np.random.Generator, shares: FloatArray) -> IntArray:
    return (rng.random(shares.size) < shares).astype(np.int64)


def _some(rng: np.random.Generator, column: pl.Series, null_share: FloatArray) -> pl.Series:
    return column.set(pl.Series(rng.random(null_share.size) < null_share), None)


def _homes(rng: np.random.Generator, loans: Borrowers) -> pl.Series:
    """A few homes are none of the three: OTHER and NONE until 2013, ANY since."""
    homes = [*tables.HOMES, "OTHER", "NONE", "ANY"]
    draw = rng.random(loans.issue.size)
    old = np.where(draw < 0.0002, homes.index("NONE"), homes.index("OTHER"))
    position = np.where(loans.issue < 12 * 2014, old, homes.index("ANY"))
    share = np.where(loans.issue < 12 * 2014, 0.003, 0.0004)
    return lookup(homes, np.where(draw < share, position, loans.home))
