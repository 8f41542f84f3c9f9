"""Each gate has a candidate that trips it, and the served model then stays."""

import json
from dataclasses import asdict, replace
from datetime import date

import pytest

from financial_pipeline.ml.gates import (
    Candidate,
    Pointer,
    Served,
    comparable,
    next_pointer,
    run_gates,
    why_not_served,
)

SERVED = Served("old", date(2010, 10, 1), 10_000, "simulated")
NEW = Served("new", date(2011, 1, 1), 11_000, "simulated")
BEFORE = Pointer(SERVED)
GOOD = Candidate(
    model="borrower_only",
    training_loans=11_000,
    mean_pd=0.14,
    default_rate=0.15,
    score_psi=0.02,
    auc=0.69,
    challenger_auc=0.70,
    auc_low=0.66,
    calibration_slope=0.95,
    test_events=300,
    training_events_per_feature=120.0,
    previous_auc=0.69,
    previous_training_loans=10_000,
)
TRIPPED = {
    "calibration_gap": replace(GOOD, mean_pd=0.19),
    "score_psi": replace(GOOD, score_psi=0.26),
    "auc_against_challenger": replace(GOOD, challenger_auc=0.73),
    "auc_against_previous": replace(GOOD, previous_auc=0.71),
    "training_rows": replace(GOOD, training_loans=8_999),
    "auc_floor": replace(GOOD, auc_low=0.549),
    "calibration_slope": replace(GOOD, calibration_slope=0.49),
    "test_events": replace(GOOD, test_events=99),
    "training_events": replace(GOOD, training_events_per_feature=9.9),
    "not_refused": replace(GOOD, refusal="Column open_acc alone has an AUC of 0.950."),
}


NOTHING = replace(
    GOOD,
    training_loans=0,
    mean_pd=None,
    default_rate=None,
    score_psi=None,
    auc=None,
    challenger_auc=None,
    auc_low=None,
    calibration_slope=None,
    test_events=0,
    training_events_per_feature=0.0,
    refusal="70 matured training loans, at least 500 are needed",
    previous_auc=None,
    previous_training_loans=None,
)


def test_a_good_candidate_passes_every_gate_and_is_served() -> None:
    results = run_gates(GOOD)
    assert [result.gate for result in results] == list(TRIPPED)
    assert all(result.passed for result in results)
    assert next_pointer(BEFORE, NEW, results) == Pointer(NEW, SERVED)


@pytest.mark.parametrize("gate", TRIPPED)
def test_each_gate_trips_alone_and_the_served_model_stays(gate: str) -> None:
    results = run_gates(TRIPPED[gate])
    assert [result.gate for result in results if not result.passed] == [gate]
    assert next_pointer(BEFORE, NEW, results) == BEFORE


def test_a_candidate_without_figures_fails_and_serves_nothing() -> None:
    results = run_gates(NOTHING)
    passed = {result.gate for result in results if result.passed}
    assert passed == {"training_rows"}
    assert next_pointer(Pointer(), NEW, results) == Pointer()
    assert next_pointer(BEFORE, NEW, results) == BEFORE


def test_the_first_model_has_nothing_to_be_compared_with() -> None:
    first = replace(GOOD, previous_auc=None, previous_training_loans=None)
    results = run_gates(first)
    assert all(result.passed for result in results)
    assert "no other comparable model" in results[4].detail
    assert next_pointer(Pointer(), NEW, results) == Pointer(NEW)


def test_no_gates_serve_nothing_new() -> None:
    assert next_pointer(BEFORE, NEW, []) == BEFORE


def test_the_pointer_never_goes_back_to_an_older_cutoff() -> None:
    older = replace(NEW, cutoff=date(2010, 7, 1))
    assert next_pointer(BEFORE, older, run_gates(GOOD)) == BEFORE


def test_the_same_candidate_again_moves_nothing_and_has_the_same_rival() -> None:
    after = next_pointer(BEFORE, NEW, run_gates(GOOD))
    assert next_pointer(after, NEW, run_gates(GOOD)) == after
    assert comparable(BEFORE, NEW) == comparable(after, NEW) == SERVED


def test_models_of_another_source_or_a_newer_cutoff_are_not_compared() -> None:
    assert comparable(BEFORE, replace(NEW, source="lending_club")) is None
    assert comparable(BEFORE, replace(NEW, cutoff=date(2010, 7, 1))) is None
    assert comparable(Pointer(), NEW) is None


@pytest.mark.parametrize(
    ("candidate", "passes"),
    [
        (replace(GOOD, auc_low=0.55), True),
        (replace(GOOD, calibration_slope=1.5), True),
        (replace(GOOD, calibration_slope=1.51), False),
        (replace(GOOD, calibration_slope=-0.13), False),
        (replace(GOOD, test_events=100, training_events_per_feature=10.0), True),
    ],
)
def test_floors_hold_whatever_is_replaced(candidate: Candidate, passes: bool) -> None:
    first = replace(candidate, previous_auc=None, previous_training_loans=None)
    assert all(result.passed for result in run_gates(first)) == passes


def _reason(candidate: Candidate) -> str | None:
    return why_not_served([asdict(result) for result in run_gates(candidate)])


def test_the_reason_is_given_in_words_or_none() -> None:
    assert _reason(GOOD) is None
    noise = replace(GOOD, auc_low=0.47, test_events=40)
    assert _reason(noise) == (
        "borrower only: lower bound of the 95% interval of the AUC, out of time is 0.47, at least"
        " 0.55 is needed; borrower only: test loans of the rarer outcome, out of time is 40, at"
        " least 100 is needed"
    )


def test_a_refusal_is_the_only_reason() -> None:
    assert _reason(NOTHING) == "70 matured training loans, at least 500 are needed"


# A candidate exactly at each limit, and one just beyond it.
AT_THE_LIMIT = {
    "calibration_gap": ({"mean_pd": 0.0, "default_rate": 0.03}, {"default_rate": 0.0301}),
    "score_psi": ({"score_psi": 0.25}, {"score_psi": 0.2501}),
    "auc_against_challenger": ({"auc": 0.0, "challenger_auc": 0.03}, {"challenger_auc": 0.0301}),
    "auc_against_previous": ({"auc": 0.0, "previous_auc": 0.01}, {"previous_auc": 0.0101}),
    "training_rows": ({"training_loans": 9_000}, {"training_loans": 8_999}),
    "auc_floor": ({"auc_low": 0.55}, {"auc_low": 0.5499}),
    "calibration_slope": ({"calibration_slope": 0.5}, {"calibration_slope": 0.4999}),
    "test_events": ({"test_events": 100}, {"test_events": 99}),
    "training_events": (
        {"training_events_per_feature": 10.0},
        {"training_events_per_feature": 9.99},
    ),
}


@pytest.mark.parametrize("gate", AT_THE_LIMIT)
def test_a_limit_itself_passes_and_anything_beyond_it_does_not(gate: str) -> None:
    at, beyond = AT_THE_LIMIT[gate]
    for changes, passes in ((at, True), ({**at, **beyond}, False)):
        results = {result.gate: result for result in run_gates(replace(GOOD, **changes))}
        assert results[gate].passed is passes, changes


def test_each_gate_reports_its_figure_and_limit() -> None:
    figures = {result.gate: (result.value, result.limit) for result in run_gates(GOOD)}
    assert figures == {
        "calibration_gap": (pytest.approx(0.01), 0.03),
        "score_psi": (0.02, 0.25),
        "auc_against_challenger": (pytest.approx(0.01), 0.03),
        "auc_against_previous": (0.0, 0.01),
        "training_rows": (1.1, 0.9),
        "auc_floor": (0.66, 0.55),
        "calibration_slope": (pytest.approx(0.05), 0.5),
        "test_events": (300.0, 100),
        "training_events": (120.0, 10),
        "not_refused": (None, None),
    }


def test_gates_without_a_served_model_pass_without_a_figure_and_name_their_limit() -> None:
    first = replace(GOOD, previous_auc=None, previous_training_loans=None)
    results = {result.gate: result for result in run_gates(first)}
    for gate, limit in (("auc_against_previous", 0.01), ("training_rows", 0.9)):
        assert (results[gate].value, results[gate].limit) == (None, limit)


@pytest.mark.parametrize(
    ("name", "gates"),
    [
        ("mean_pd", {"calibration_gap"}),
        ("default_rate", {"calibration_gap"}),
        ("auc", {"auc_against_challenger", "auc_against_previous"}),
        ("challenger_auc", {"auc_against_challenger"}),
    ],
)
def test_half_of_a_difference_is_no_figure_and_passes_no_gate(name: str, gates: set[str]) -> None:
    results = [each for each in run_gates(replace(GOOD, **{name: None})) if not each.passed]
    assert {result.gate for result in results} == gates
    assert {result.value for result in results} == {None}


def test_a_pointer_survives_json() -> None:
    for pointer in (Pointer(), Pointer(NEW), Pointer(NEW, SERVED)):
        assert Pointer.from_json(json.loads(json.dumps(pointer.to_json()))) == pointer
    assert Pointer.from_json({}) == Pointer()


def test_a_candidate_of_the_same_cutoff_or_another_source_replaces_the_served_one() -> None:
    passed = run_gates(GOOD)
    for other in (replace(NEW, cutoff=SERVED.cutoff), replace(NEW, source="lending_club")):
        assert next_pointer(BEFORE, other, passed) == Pointer(other, SERVED)
    older = replace(NEW, source="lending_club", cutoff=date(2009, 1, 1))
    assert next_pointer(BEFORE, older, passed) == Pointer(older, SERVED)
    assert comparable(BEFORE, replace(NEW, cutoff=SERVED.cutoff)) == SERVED
