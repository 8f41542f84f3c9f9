"""A dropped file of any bytes is described, or refused in one sentence that names it.

500 damaged files of each form in `make test`, 10,000 in `make test-nightly`.
"""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.lending_club import REJECTION_COLUMNS
from financial_pipeline.sources.bar_files import bar_events
from financial_pipeline.sources.landing import detect
from financial_pipeline_tests.loan_text import header, line, loan
from financial_pipeline_tests.sources.test_bar_files import HEADER as BARS
from financial_pipeline_tests.sources.test_bar_files import STARTS
from financial_pipeline_tests.sources.test_fred import answer

QUICK, THOROUGH = 500, 10_000
REJECTION = "1000.0,2007-05-26,Wedding,693.0,10%,481xx,NM,4 years,0.0\n"
OBSERVATION = {
    "realtime_start": "2019-03-08",
    "realtime_end": "9999-12-31",
    "date": "2019-02-01",
    "value": "3.8",
}
FILES = {
    "loans.csv": "\n".join([header(), line(loan(1)), line(loan(2)), ""]),
    "rejections.csv": ",".join(REJECTION_COLUMNS) + "\n" + 2 * REJECTION,
    "JPM.csv": "Date,Open,High,Low,Close,Adj Close,Volume\n2019-03-28,1,3,1,2,1.5,10\n"
    "2019-03-29,1,3,1,2,1.5,10\n",
    "UNRATE.csv": "DATE,UNRATE\n2019-01-01,4.0\n2019-02-01,3.8\n",
    "UNRATE.json": json.dumps(answer(OBSERVATION)),
    "BAC_1min.csv": BARS + STARTS,
}
# What software writes in place of values, and what no reader expects.
ODD = (
    b"", b",", b",,,", b"\n", b"\r", b"\r\n\r\n", b'"', b'""', b"'", b"\0", b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xc3", b"NaN", b"inf", b"-inf", b"1e400", b"-0", b"9" * 40, b"0001-01-01", b"9999-12-31",
    b"10000-01-01", b"2019-02-30", b"null", b"{}", b"[", b"]", b"{", b"}", b"=1+1", b"\x1f\x8b",
    b"PK\x03\x04", b";", b"\t", b"|", b" ", b"#",
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, good: bytes) -> bytes:
    """Change a file in a few places, or give other bytes altogether."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    content = good
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.sampled_from((0, 0, 1, 5, 40, 10_000))))
        again = content[start:end] * draw(st.integers(0, 2))
        middle = again or draw(st.sampled_from(ODD) | st.binary(max_size=4))
        content = content[:start] + middle + content[end:]
    return content


def check(path: Path, examples: int) -> None:
    """Read damaged forms of a file, the same ones each time."""
    read = bar_events if path.name == "BAC_1min.csv" else detect

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(damaged(FILES[path.name].encode()))
    def is_read_or_refused(content: bytes) -> None:
        path.write_bytes(content)
        refusal = path.name
        try:
            read(path)
        except PipelineError as error:
            refusal = str(error)
        assert path.name in refusal
        assert len(refusal.splitlines()) == 1

    path.write_text(FILES[path.name])
    read(path)
    is_read_or_refused()


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_described_or_refused(tmp_path: Path, name: str) -> None:
    check(tmp_path / name, QUICK)


@pytest.mark.nightly
@pytest.mark.parametrize("name", FILES)
def test_thousands_of_damaged_files_are_described_or_refused(tmp_path: Path, name: str) -> None:
    check(tmp_path / name, THOROUGH)
