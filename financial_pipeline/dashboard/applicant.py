"""The what-if of the Model page: an invented applicant, scored at once."""

from pathlib import Path
from typing import Any, Final

import streamlit as st

from financial_pipeline.dashboard import elements, model_verdict
from financial_pipeline.dashboard import model_evidence as evidence
from financial_pipeline.dashboard.data import Release
from financial_pipeline.dashboard.elements import Card, number, percent
from financial_pipeline.dashboard.loan_scores import reasons_chart
from financial_pipeline.dashboard.thresholds import SUMMARIES, SUMMARY
from financial_pipeline.dashboard.widgets import amount, choose, with_spaces
from financial_pipeline.ml.artifact import load_models
from financial_pipeline.ml.what_if import Assessment, score_applicant

HOMES: Final = ("MORTGAGE", "OWN", "RENT", "OTHER")
PURPOSES: Final = (
    "debt_consolidation",
    "credit_card",
    "home_improvement",
    "major_purchase",
    "medical",
    "small_business",
    "car",
    "vacation",
    "moving",
    "house",
    "wedding",
    "other",
)
VERIFIED: Final = ("Verified", "Source Verified", "Not Verified")
BANDS: Final = {"approve": "green", "review": "orange", "decline": "red"}


@st.cache_resource(max_entries=2, show_spinner=False)
def _models(folder: str, artifact: str) -> Any:
    return load_models(Path(folder), artifact)


@st.fragment
def what_if(release: Release) -> None:
    """Score an invented applicant with the served artifact."""
    st.header("What if: score an applicant", anchor=False)
    served = evidence.served_model(release)
    if served is None or not elements.has_rows(release, SUMMARY):
        st.info("No model is served, so nobody can be scored.", icon=":material/block:")
        return
    models = _models(str(release.paths.data_root / "ml" / "artifacts"), served["artifact"])
    band = (
        release.rows(SUMMARIES, SUMMARY)
        .filter(model=evidence.DECIDING, segment="all")
        .row(0, named=True)
    )
    application = _application()
    result = score_applicant(models, application, band["band_low"], band["band_high"])
    _assessment(result, band)
    elements.source(
        release, evidence.EVALUATION, SUMMARY, note=f"Artifact {served['artifact'][:12]}."
    )


def _application() -> dict[str, object]:
    with st.grid(4, min_column_width=160, key="applicant"):
        income = amount("Income a year, $", "income", 0, 10_000_000, 65_000, 1000)
        application: dict[str, object] = {
            "loan_amnt": amount("Amount, $", "amount", 500, 100_000, 12_000, 500),
            "term": str(choose("Term, months", (36, 60), "months")),
            "income_effective": income or None,
            "dti_effective": amount("Debt to income, %", "dti", 0.0, 100.0, 18.0, 1.0),
            "fico_midpoint": amount("FICO", "score", 300, 850, 697, 5),
            "revol_util": amount("Revolving use, %", "use", 0.0, 150.0, 50.0, 5.0),
            "emp_length": amount("Years employed (10: or more)", "employed", 0, 10, 5),
            "inq_last_6mths": amount("Inquiries, 6 months", "inquiries", 0, 30, 0),
            "delinq_2yrs": amount("Delinquencies, 2 years", "delinquencies", 0, 30, 0),
            "open_acc": amount("Open accounts", "accounts", 0, 100, 11),
            "pub_rec": amount("Public records", "records", 0, 30, 0),
            "home_ownership": choose("Housing", HOMES, "housing", form=str.capitalize),
            "purpose": choose("Purpose", PURPOSES, "wanted_for", form=with_spaces),
            "verification_status": choose("Income is", VERIFIED, "verified"),
        }
        rate = amount("Rate, % (0: not set yet)", "rate", 0.0, 36.0, 0.0, 0.5)
    return {**application, "int_rate": rate / 100} if rate else application


def _assessment(result: Assessment, band: dict[str, Any]) -> None:
    informed = percent(result.pd_platform_informed)
    elements.cards(
        [
            Card("PD", percent(result.pd_borrower_only), "borrower only: decides", "Life-time PD."),
            Card("PD with the rate", informed, "platform informed", "Needs a rate."),
            Card("Score", number(result.score, 0), "600 at 50:1, 20 double the odds", "Points."),
        ]
    )
    st.markdown(
        f"Band: :{BANDS[result.band]}-badge[{result.band}] — "
        f"{model_verdict.words(band['band_low'], band['band_high'])}."
    )
    reasons_chart([(reason.text, reason.points_lost) for reason in result.reasons])
