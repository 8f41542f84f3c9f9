"""Bar files: both orders, both labels, exact decimals, and what is refused with file and line."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from financial_pipeline.errors import PipelineError
from financial_pipeline.sources.bar_files import bar_events

HEADER = "datetime,open,high,low,close,volume\n"
STARTS = (
    "2019-02-11 09:30:00,28.3,28.38,28.25,28.36,1000\n"
    "2019-02-11 09:31:00,28.36,28.4,28.3,28.35,500\n"
    "2019-02-11 09:32:00,28.35,28.35,28.1,28.2,7\n"
)
OPENING_US = int(datetime(2019, 2, 11, 14, 30, tzinfo=UTC).timestamp()) * 1_000_000
MINUTE_US = 60_000_000


def bar_file(folder: Path, rows: str, name: str = "BAC_1min.csv") -> Path:
    path = folder / name
    path.write_text(HEADER + rows, "utf-8")
    return path


def test_a_bar_is_an_event_at_its_start_known_at_its_end(tmp_path: Path) -> None:
    first = bar_events(bar_file(tmp_path, STARTS))[0]
    assert first == (
        OPENING_US,
        "BAC",
        OPENING_US // 1000,
        "28.3000",
        "28.3800",
        "28.2500",
        "28.3600",
        1000,
        None,
        "28360.0000",
        "close",
        "2019-02-11",
        "BAC_1min.csv",
        OPENING_US + MINUTE_US,
    )


def test_order_and_label_of_a_file_do_not_matter(tmp_path: Path) -> None:
    ends = STARTS.replace(":32:00", ":33:00").replace(":31:00", ":32:00").replace(":30:", ":31:")
    newest_first = "".join(reversed(ends.splitlines(keepends=True)))
    expected = bar_events(bar_file(tmp_path, STARTS))
    assert bar_events(bar_file(tmp_path, newest_first)) == expected
    assert bar_events(bar_file(tmp_path, ends), label="end") == expected
    forced = bar_events(bar_file(tmp_path, ends), label="start")
    assert [event.event_us - OPENING_US for event in forced] == [MINUTE_US * n for n in (1, 2, 3)]


def test_a_file_without_an_opening_bar_does_not_show_what_its_times_name(tmp_path: Path) -> None:
    afternoon = bar_file(tmp_path, STARTS.replace(" 09:", " 14:"))
    with pytest.raises(PipelineError, match="give --label start or --label end"):
        bar_events(afternoon)
    start = bar_events(afternoon, label="start")[0].event_us
    end = bar_events(afternoon, label="end")[0].event_us
    assert start - end == MINUTE_US


def test_a_time_with_an_offset_is_brought_to_new_york(tmp_path: Path) -> None:
    rows = STARTS.replace(" 09:", "T14:").replace(":00,", ":00Z,")
    expected = bar_events(bar_file(tmp_path, STARTS))
    assert bar_events(bar_file(tmp_path, rows)) == expected


def test_prices_may_be_written_with_an_exponent_or_more_places(tmp_path: Path) -> None:
    rows = STARTS.replace("28.38,28.25,28.36,1000", "2.9E1,28.24999,28.360049,1e3")
    first = bar_events(bar_file(tmp_path, rows))[0]
    assert first[4:8] == ("29.0000", "28.2500", "28.3600", 1000)


def test_a_bar_on_a_day_without_a_session_has_no_session_date(tmp_path: Path) -> None:
    rows = STARTS.replace("02-11", "02-10")
    assert {event.session_date for event in bar_events(bar_file(tmp_path, rows))} == {None}


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("28.4,", ",", "line 3: column high contains '' where a number"),
        ("28.4,", "many,", "line 3: column high contains 'many' where a number"),
        ("28.4,", "nan,", "line 3: column high contains 'nan'"),
        ("28.4,", "1e99,", "line 3: column high contains '1e99'"),
        (",7\n", ",7.5\n", "line 4: column volume contains '7.5' where a whole number"),
        ("2019-02-11 09:32:00", "noon", "line 4: column datetime contains 'noon'"),
        ("09:32", "09:31", "two bars at 2019-02-11 09:31:00"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    path = bar_file(tmp_path, STARTS.replace(old, new))
    with pytest.raises(PipelineError, match=sentence):
        bar_events(path)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("BAC_daily.csv", f"{HEADER}2019-02-11,1,1,1,1,1\n2019-02-12,1,1,1,1,1\n", "no intraday"),
        ("BAC.csv", HEADER, "needs rows"),
        ("BAC.csv", "datetime,open\n2019-02-11 09:30,1\n", "lacks high, low, close, volume"),
        ("bars.csv", HEADER + STARTS, "does not begin with a symbol"),
    ],
)
def test_what_is_no_bar_file_is_refused(
    tmp_path: Path, name: str, text: str, sentence: str
) -> None:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    with pytest.raises(PipelineError, match=sentence):
        bar_events(path)


PRICES = st.decimals(Decimal("0.0001"), Decimal(99_999), places=4)
ROWS = st.lists(st.tuples(PRICES, st.integers(0, 10**9)), min_size=2, max_size=20)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, newest_first=st.booleans(), exponent=st.booleans())
def test_every_bar_comes_back_exactly(
    rows: list[tuple[Decimal, int]], newest_first: bool, exponent: bool
) -> None:
    opening = datetime(2019, 2, 11, 9, 30)
    lines = [
        f"{opening + timedelta(minutes=5 * place)},{price:E},{price},{price},{price},{volume}\n"
        if exponent
        else f"{opening + timedelta(minutes=5 * place)},{price},{price},{price},{price},{volume}\n"
        for place, (price, volume) in enumerate(rows)
    ]
    with TemporaryDirectory() as folder:
        text = "".join(reversed(lines) if newest_first else lines)
        events = bar_events(bar_file(Path(folder), text), label="start")
    assert [(Decimal(event.open), event.volume) for event in events] == rows
    assert [Decimal(event.notional) for event in events] == [price * size for price, size in rows]
    gap = 5 * MINUTE_US
    assert [event.event_us for event in events] == [OPENING_US + gap * n for n in range(len(rows))]


@pytest.mark.parametrize(
    ("name", "bars", "minutes"),
    [
        ("eqker_2019/BAC_1min.csv", 390, 1),
        ("eqker_2019/JPM_1min.csv", 390, 1),
        ("alert_overlay_2025/C_5min.csv", 78, 5),
    ],
)
def test_real_files_begin_their_sessions_at_the_opening(
    shared_data: Path, name: str, bars: int, minutes: int
) -> None:
    path = shared_data / "intraday" / name
    if not path.exists():
        pytest.skip(f"{name} is absent")
    events = bar_events(path)
    days: dict[str | None, list[int]] = {}
    for event in events:
        days.setdefault(event.session_date, []).append(event.event_us)
    assert None not in days
    # Few days of the files lack bars, or have some after the close.
    assert Counter(map(len, days.values())).most_common(1)[0][0] == bars
    assert {event.known_us - event.event_us for event in events} == {minutes * MINUTE_US}
    assert events[0].event_us % (24 * 60 * MINUTE_US) in {
        13.5 * 60 * MINUTE_US,
        14.5 * 60 * MINUTE_US,
    }
