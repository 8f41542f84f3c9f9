"""Work on both cores: in order, each piece with one thread, and a fault is raised."""

import threading
import warnings

import pytest
from threadpoolctl import threadpool_info

from financial_pipeline.ml.threads import WORKERS, each


def test_results_are_in_the_order_of_the_items() -> None:
    assert each(lambda number: number**2, range(20)) == [number**2 for number in range(20)]


def test_two_pieces_compute_at_a_time_and_each_with_one_thread() -> None:
    # Nobody passes before both are there.
    meeting = threading.Barrier(WORKERS)

    def threads_of_libraries(_: int) -> set[int]:
        meeting.wait(timeout=60)
        return {library["num_threads"] for library in threadpool_info()}

    before = [library["num_threads"] for library in threadpool_info()]
    assert each(threads_of_libraries, range(WORKERS)) == [{1}] * WORKERS
    assert [library["num_threads"] for library in threadpool_info()][: len(before)] == before


def test_the_first_fault_is_raised() -> None:
    def refuse(number: int) -> int:
        raise ValueError(f"number {number}")

    with pytest.raises(ValueError, match="number 0"):
        each(refuse, range(3))


def test_a_filter_of_warnings_that_a_piece_changes_does_not_outlive_it() -> None:
    before = warnings.filters[:]
    each(lambda _: warnings.simplefilter("error"), range(WORKERS))
    assert warnings.filters == before
