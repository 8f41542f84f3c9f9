"""Text has a contrast of at least 4.5 to its background, in both themes (WCAG 2.1, level AA)."""

import tomllib

import pytest

from financial_pipeline.dashboard.launch import APP

# Share of the text's colour in Streamlit's captions and in the labels of axes.
FADED = 0.6
LEAST = 4.5


def _channels(colour: str) -> list[float]:
    return [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]


def _luminance(channels: list[float]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: list[float], other: list[float]) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_small_print_is_readable(scheme: str) -> None:
    config = tomllib.loads((APP.parent / ".streamlit" / "config.toml").read_text("utf-8"))
    text, ground = (
        _channels(config["theme"][scheme][name]) for name in ("textColor", "backgroundColor")
    )
    faded = [FADED * a + (1 - FADED) * b for a, b in zip(text, ground, strict=True)]
    assert _contrast(faded, ground) >= LEAST


def test_the_measure_of_contrast_is_that_of_the_standard() -> None:
    white, black, grey = ([one, one, one] for one in (1.0, 0.0, 0x77 / 255))
    assert _contrast(white, black) == pytest.approx(21)
    assert _contrast(white, grey) == pytest.approx(4.48, abs=0.005)
