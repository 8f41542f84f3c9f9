"""The map's colours: rates of many loans only, around a mean that no small state can set."""

from typing import Any

import polars as pl
import pytest

from financial_pipeline.dashboard import charts, state_map

# California and Texas with 9,000 loans each, and Wyoming with an extreme rate of 600.
STATES = pl.DataFrame(
    {
        "state": ["CA", "TX", "WY", "VT"],
        "name": ["California", "Texas", "Wyoming", "Vermont"],
        "loans": [9000, 9000, 600, 10],
        "matured": [9000, 9000, 600, 10],
        "defaults": [1170, 1350, 300, 1],
        "funded_usd": [9e6, 8e6, 6e5, 1e4],
        "default_rate": [0.13, 0.15, 0.50, None],
    }
)


def _spec(column: str) -> dict[str, Any]:
    return state_map.chart(column, "", is_known=True).to_dict()


def test_one_small_state_does_not_set_the_scale_of_a_rate() -> None:
    ends = state_map.ends(STATES, "default_rate")
    mean = (1170 + 1350 + 300) / 18_600
    # Texas and California are 1.7 and 0.2 points away, Wyoming 34.8: it is cut to the end.
    assert ends == {
        "low": pytest.approx(2 * mean - 0.17323, abs=1e-4),
        "mean": pytest.approx(mean),
        "high": pytest.approx(0.17323, abs=1e-4),
    }
    scale = _spec("default_rate")["layer"][1]["encoding"]["color"]["scale"]
    assert scale["domain"] == [{"expr": name} for name in ends]
    assert (scale["clamp"], scale["interpolate"]) == (True, "rgb")
    assert scale["range"] == [charts.BLUE, state_map.NEUTRAL, charts.ORANGE]


def test_amounts_run_from_light_to_dark_on_every_page() -> None:
    scale = _spec("funded_usd")["layer"][1]["encoding"]["color"]["scale"]
    assert scale == {"range": ["#D6E6F4", "#1B5C94"]}
    assert state_map.ends(STATES, "funded_usd") == {}


def test_letters_are_white_on_dark_states_only_and_an_unknown_state_cannot_be_chosen() -> None:
    rows = {row["id"]: row for row in state_map.live(STATES, "funded_usd").to_dicts()}
    assert len(rows) == 51
    dark = {code: bool(row["is_dark"]) for code, row in rows.items()}
    assert (dark["CA"], dark["TX"], dark["WY"], dark["NY"]) == (True, True, False, False)
    assert (rows["TX"]["state"], rows["TX"]["name"]) == ("TX", "Texas")
    assert (rows["NY"]["state"], rows["NY"]["name"]) == (None, "NY")
    assert not any(state_map.live(STATES, "default_rate")["is_dark"])
    assert [one["select"]["fields"] for one in _spec("loans")["params"]] == [["state"]]
