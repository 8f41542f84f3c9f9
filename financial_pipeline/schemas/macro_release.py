"""A macro release before it is a message: one value of a series, and since when it was known."""

from typing import NamedTuple


class MacroRelease(NamedTuple):
    """One value of one observation, as published on `realtime_start`; dates are ISO texts.

    `realtime_end` is the last day on which the value was valid, if no other one followed it;
    `value` is None if upstream publishes that it is missing.
    """

    series_id: str
    observation_date: str
    realtime_start: str
    realtime_end: str | None
    value: str | None
    # fred, alfred or simulated.
    source: str
