"""The gates between a trained model and its being served.

The served model is a pointer: it moves to a candidate only when every gate passes, and never back
to an older cut-off. A figure that is missing fails its gate. Some gates compare with the served
model or the challenger; the others are floors, which a model of noise fails whatever it replaces.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from pydantic import TypeAdapter

MAX_SCORE_PSI: Final = 0.25
# The gate whose detail is a reason of its own; it has no figure.
REFUSAL: Final = "not_refused"
NOT_REFUSED: Final = "measured, and on no split too good to be true"
NOTHING_SERVED: Final = "no other comparable model was served before"


@dataclass(frozen=True)
class Gate:
    """A limit of one figure: the most that it may be, or else the least."""

    limit: float
    is_most: bool
    # The meaning of the figure.
    detail: str

    def passes(self, value: float | None) -> bool:
        """Whether a figure keeps the limit; one that is missing does not."""
        if value is None:
            return False
        return value <= self.limit if self.is_most else value >= self.limit


# In the order of the results. Events are loans of the rarer outcome.
GATES: Final = {
    "calibration_gap": Gate(0.03, True, "distance of mean PD and default rate, out of time"),
    "score_psi": Gate(MAX_SCORE_PSI, True, "PSI of the score, training against out of time"),
    "auc_against_challenger": Gate(
        0.03, True, "AUC of the boosted challenger less the model's, out of time"
    ),
    "auc_against_previous": Gate(
        0.01, True, "AUC of the served model less the candidate's, on the same loans"
    ),
    "training_rows": Gate(0.90, False, "training loans as a share of the served model's"),
    "auc_floor": Gate(0.55, False, "lower bound of the 95% interval of the AUC, out of time"),
    # The slope is 1 at best, 0 for noise: 0.5 to 1.5 passes.
    "calibration_slope": Gate(0.5, True, "distance of the calibration slope from 1, out of time"),
    "test_events": Gate(100, False, "test loans of the rarer outcome, out of time"),
    "training_events": Gate(10, False, "training loans of the rarer outcome per feature"),
}


@dataclass(frozen=True)
class Served:
    """One artifact that is or was served, and what later candidates are compared with."""

    artifact: str
    cutoff: date
    training_loans: int
    # Worlds are not compared: a model of simulated loans does not apply to real ones.
    source: str


@dataclass(frozen=True)
class Pointer:
    """The served model, and the one that it replaced."""

    served: Served | None = None
    replaced: Served | None = None

    def to_json(self) -> dict[str, Any]:
        """Return both as values of JSON."""
        rows: dict[str, Any] = _POINTERS.dump_python(self, mode="json")
        return rows

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> "Pointer":
        """Read what `to_json` returned; missing entries are None."""
        return _POINTERS.validate_python(facts)


_POINTERS: Final = TypeAdapter(Pointer)


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
    figures, alone = _figures(candidate), _without_rival(candidate)
    results = []
    for name, gate in GATES.items():
        value = figures[name]
        passed, detail = gate.passes(value), gate.detail
        if name in alone:
            passed, detail = True, NOTHING_SERVED
        results.append(GateResult(name, candidate.model, passed, value, gate.limit, detail))
    detail = candidate.refusal or NOT_REFUSED
    refused = GateResult(REFUSAL, candidate.model, not candidate.refusal, None, None, detail)
    return [*results, refused]


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


def why_not_served(rows: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the reasons of the failed gates, from rows of `ml/gates`; None if all passed.

    A refusal is the only reason given: figures that were not measured fail for nothing else.
    """
    failed = [row for row in rows if not row["passed"]]
    refusals = [str(row["detail"]).rstrip(".") for row in failed if row["gate"] == REFUSAL]
    return "; ".join(dict.fromkeys(refusals or map(_failure, failed))) or None


def _failure(row: Mapping[str, Any]) -> str:
    what = f"{row['model']}: {row['detail']}".replace("_", " ")
    if row["value"] is None:
        return f"{what} is not known"
    side = "at least" if row["value"] < row["limit"] else "at most"
    return f"{what} is {row['value']:.3g}, {side} {row['limit']:g} is needed"


def _figures(candidate: Candidate) -> dict[str, float | None]:
    """Return the figure of each gate; None if it was not measured or has nothing to compare."""
    before = candidate.previous_training_loans
    gap = _difference(candidate.mean_pd, candidate.default_rate)
    slope = _difference(candidate.calibration_slope, 1.0)
    figures = {
        "calibration_gap": None if gap is None else abs(gap),
        "score_psi": candidate.score_psi,
        "auc_against_challenger": _difference(candidate.challenger_auc, candidate.auc),
        "auc_against_previous": _difference(candidate.previous_auc, candidate.auc),
        "training_rows": candidate.training_loans / before if before else None,
        "auc_floor": candidate.auc_low,
        "calibration_slope": None if slope is None else abs(slope),
        "test_events": candidate.test_events,
        "training_events": candidate.training_events_per_feature,
    }
    return {name: None if value is None else float(value) for name, value in figures.items()}


def _without_rival(candidate: Candidate) -> set[str]:
    """Return the gates that compare with the served model, where there is none."""
    found = set()
    if candidate.previous_auc is None and candidate.auc is not None:
        found.add("auc_against_previous")
    if not candidate.previous_training_loans:
        found.add("training_rows")
    return found


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other
