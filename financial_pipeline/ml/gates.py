"""The gates between a trained model and its being served.

The served model is a pointer: it moves to a candidate only when every gate passes, and never back
to an older cut-off. A figure that is missing fails its gate. Some gates compare with the served
model or the challenger; the others are floors, which a model of noise fails whatever it replaces.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

MAX_CALIBRATION_GAP: Final = 0.03
MAX_SCORE_PSI: Final = 0.25
MAX_AUC_LOSS_TO_PREVIOUS: Final = 0.01
MAX_AUC_LOSS_TO_CHALLENGER: Final = 0.03
MIN_ROW_SHARE: Final = 0.90
# Floors: the 95% interval of the out-of-time AUC lies above this one.
MIN_AUC_LOW: Final = 0.55
# The calibration slope is 1 at best, 0 for noise: 0.5 to 1.5 passes.
MAX_SLOPE_DISTANCE: Final = 0.5
# Events are loans of the rarer outcome.
MIN_TEST_EVENTS: Final = 100
MIN_TRAINING_EVENTS_PER_FEATURE: Final = 10
# The gate whose detail is a reason of its own; it has no figure.
REFUSAL: Final = "not_refused"


@dataclass(frozen=True)
class Served:
    """One artifact that is or was served, and what later candidates are compared with."""

    artifact: str
    cutoff: date
    training_loans: int
    # Worlds are not compared: a model of simulated loans says nothing about real ones.
    source: str


@dataclass(frozen=True)
class Pointer:
    """What is served, and what that replaced."""

    served: Served | None = None
    replaced: Served | None = None

    def to_json(self) -> dict[str, Any]:
        """Return both as values of JSON."""
        rows: dict[str, Any] = {}
        for name, model in (("served", self.served), ("replaced", self.replaced)):
            rows[name] = {**asdict(model), "cutoff": model.cutoff.isoformat()} if model else None
        return rows

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> "Pointer":
        """Read what `to_json` returned; missing entries are None."""
        served, replaced = facts.get("served"), facts.get("replaced")
        return cls(_served(served) if served else None, _served(replaced) if replaced else None)


def _served(row: Mapping[str, Any]) -> Served:
    cutoff = date.fromisoformat(row["cutoff"])
    return Served(row["artifact"], cutoff, row["training_loans"], row["source"])


@dataclass(frozen=True)
class Candidate:
    """The out-of-time evidence on one model of a candidate artifact."""

    model: str
    training_loans: int
    mean_pd: float | None
    default_rate: float | None
    score_psi: float | None
    auc: float | None
    challenger_auc: float | None
    auc_low: float | None
    calibration_slope: float | None
    test_events: int | None
    training_events_per_feature: float | None
    # Why nothing was measured, or what the leak alarm found in any evaluation.
    refusal: str | None = None
    # AUC of the served model on the same test loans; None if nothing comparable is served.
    previous_auc: float | None = None
    previous_training_loans: int | None = None


@dataclass(frozen=True)
class GateResult:
    """One gate: the figure, its limit, and whether it passed."""

    gate: str
    model: str
    passed: bool
    value: float | None
    # None if the gate has no figure.
    limit: float | None
    detail: str


def run_gates(candidate: Candidate) -> list[GateResult]:
    """All gates for one model, in a fixed order."""
    return [
        _calibration_gap(candidate),
        _score_psi(candidate),
        _against_challenger(candidate),
        _against_previous(candidate),
        _row_drop(candidate),
        *_floors(candidate),
        _not_refused(candidate),
    ]


def comparable(pointer: Pointer, candidate: Served) -> Served | None:
    """The model that a candidate must not fall behind: of the same source and not newer.

    A candidate that is served already is compared with the one it replaced, as it was before.
    """
    rival = pointer.served
    if rival is not None and rival.artifact == candidate.artifact:
        rival = pointer.replaced
    if rival is None or rival.source != candidate.source or rival.cutoff > candidate.cutoff:
        return None
    return rival


def next_pointer(pointer: Pointer, candidate: Served, results: Sequence[GateResult]) -> Pointer:
    """Return the pointer to the candidate if it passed and is not older, else the old one.

    Running the same candidate again leaves the pointer as it is.
    """
    served = pointer.served
    if not results or not all(result.passed for result in results) or served == candidate:
        return pointer
    if served and served.source == candidate.source and served.cutoff > candidate.cutoff:
        return pointer
    return Pointer(candidate, served)


def _calibration_gap(candidate: Candidate) -> GateResult:
    value = None
    if candidate.mean_pd is not None and candidate.default_rate is not None:
        value = abs(candidate.mean_pd - candidate.default_rate)
    return _at_most(
        "calibration_gap",
        candidate.model,
        value,
        MAX_CALIBRATION_GAP,
        "distance of mean PD and default rate, out of time",
    )


def _score_psi(candidate: Candidate) -> GateResult:
    return _at_most(
        "score_psi",
        candidate.model,
        candidate.score_psi,
        MAX_SCORE_PSI,
        "PSI of the score, training against out of time",
    )


def _against_challenger(candidate: Candidate) -> GateResult:
    return _at_most(
        "auc_against_challenger",
        candidate.model,
        _loss(candidate.challenger_auc, candidate.auc),
        MAX_AUC_LOSS_TO_CHALLENGER,
        "AUC of the boosted challenger less the model's, out of time",
    )


def _against_previous(candidate: Candidate) -> GateResult:
    if candidate.previous_auc is None and candidate.auc is not None:
        return _nothing_served("auc_against_previous", candidate.model, MAX_AUC_LOSS_TO_PREVIOUS)
    return _at_most(
        "auc_against_previous",
        candidate.model,
        _loss(candidate.previous_auc, candidate.auc),
        MAX_AUC_LOSS_TO_PREVIOUS,
        "AUC of the served model less the candidate's, on the same loans",
    )


def _row_drop(candidate: Candidate) -> GateResult:
    if not candidate.previous_training_loans:
        return _nothing_served("training_rows", candidate.model, MIN_ROW_SHARE)
    share = candidate.training_loans / candidate.previous_training_loans
    detail = "training loans as a share of the served model's"
    return GateResult(
        "training_rows", candidate.model, share >= MIN_ROW_SHARE, share, MIN_ROW_SHARE, detail
    )


def _floors(candidate: Candidate) -> list[GateResult]:
    slope = candidate.calibration_slope
    return [
        _at_least(
            "auc_floor",
            candidate.model,
            candidate.auc_low,
            MIN_AUC_LOW,
            "lower bound of the 95% interval of the AUC, out of time",
        ),
        _at_most(
            "calibration_slope",
            candidate.model,
            None if slope is None else abs(slope - 1),
            MAX_SLOPE_DISTANCE,
            "distance of the calibration slope from 1, out of time",
        ),
        _at_least(
            "test_events",
            candidate.model,
            candidate.test_events,
            MIN_TEST_EVENTS,
            "test loans of the rarer outcome, out of time",
        ),
        _at_least(
            "training_events",
            candidate.model,
            candidate.training_events_per_feature,
            MIN_TRAINING_EVENTS_PER_FEATURE,
            "training loans of the rarer outcome per feature",
        ),
    ]


def _not_refused(candidate: Candidate) -> GateResult:
    detail = candidate.refusal or "measured, and on no split too good to be true"
    return GateResult(REFUSAL, candidate.model, not candidate.refusal, None, None, detail)


def _loss(reference: float | None, auc: float | None) -> float | None:
    return None if reference is None or auc is None else reference - auc


def _at_most(gate: str, model: str, value: float | None, limit: float, detail: str) -> GateResult:
    passed = value is not None and value <= limit
    return GateResult(gate, model, passed, value, limit, detail)


def _at_least(gate: str, model: str, value: float | None, limit: float, detail: str) -> GateResult:
    figure = None if value is None else float(value)
    return GateResult(gate, model, figure is not None and figure >= limit, figure, limit, detail)


def _nothing_served(gate: str, model: str, limit: float) -> GateResult:
    return GateResult(gate, model, True, None, limit, "no other comparable model was served before")
