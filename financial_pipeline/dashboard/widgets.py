"""Widgets whose value is kept in the address, so that a link shows the same view."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

import streamlit as st

Choice = TypeVar("Choice")
# Width in pixels, or the available width.
Width = int | Literal["stretch"]


def with_spaces(code: str) -> str:
    """Return a code with spaces for its underscores."""
    return code.replace("_", " ")


def choose(
    label: str,
    choices: Sequence[Choice],
    key: str,
    width: Width = "stretch",
    *,
    first: Choice | None = None,
    form: Callable[[Any], str] = str,
    meaning: str | None = None,
) -> Choice:
    """Draw a box of choices; it starts with `first` if that is one of them, else with the top."""
    return st.selectbox(
        label,
        choices,
        choices.index(first) if first in choices else 0,
        format_func=form,
        key=key,
        bind="query-params",
        width=width,
        help=meaning,
    )


def choose_segment(label: str, choices: Sequence[Choice], key: str, first: Choice) -> Choice:
    """Draw the choices next to each other; `first` is chosen until a reader takes another one."""
    chosen = st.segmented_control(
        label, choices, default=first, required=True, key=key, bind="query-params"
    )
    return chosen or first


def amount(
    label: str,
    key: str,
    low: float,
    high: float,
    value: float,
    step: float = 1,
    width: Width = "stretch",
    meaning: str | None = None,
) -> float:
    """Draw a box for a number from `low` to `high`; it starts with `value`."""
    return st.number_input(
        label, low, high, value, step, key=key, bind="query-params", width=width, help=meaning
    )
