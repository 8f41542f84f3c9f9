"""The map's colours: rates of many loans only, around a mean that no small state can set."""

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


def _colours(column: str) -> dict[str, object]:
    spec = state_map.chart(STATES, column, "").to_dict()
    scale = spec["layer"][1]["encoding"]["color"]["scale"]
    assert isinstance(scale, dict)
    return scale


def test_one_small_state_does_not_set_the_scale_of_a_rate() -> None:
    scale = _colours("default_rate")
    mean = (1170 + 1350 + 300) / 18_600
    low, middle, high = scale["domain"]  # type: ignore[misc]
    assert middle == pytest.approx(mean)
    # Texas and California are 1.7 and 0.2 points away, Wyoming 34.8: it is cut to the end.
    assert (low, high) == (
        pytest.approx(2 * mean - 0.17323, abs=1e-4),
        pytest.approx(0.17323, abs=1e-4),
    )
    assert (scale["clamp"], scale["interpolate"]) == (True, "rgb")
    assert scale["range"] == [charts.BLUE, state_map.NEUTRAL, charts.ORANGE]


def test_amounts_run_from_light_to_dark_on_every_page() -> None:
    assert _colours("funded_usd") == {"range": ["#D6E6F4", "#1B5C94"]}


def test_letters_are_white_on_dark_states_only() -> None:
    spec = state_map.chart(STATES, "funded_usd", "").to_dict()
    name = spec["layer"][2]["data"]["name"]
    rows = spec["datasets"][name]
    dark = {row["code"]: row["is_dark"] for row in rows}
    assert (dark["CA"], dark["TX"], dark["WY"], dark["NY"]) == (True, True, False, False)
    # A click on a state without loans chooses nothing.
    assert {row["code"]: row["state"] for row in rows if row["code"] in ("TX", "NY")} == {
        "TX": "TX",
        "NY": None,
    }
    assert [one["select"]["fields"] for one in spec["params"]] == [["state"]]
