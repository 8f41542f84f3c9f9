"""Independent pieces of work on both cores: fits, batches of rows, and segments.

NumPy, Polars and scikit-learn release Python's lock while they compute. Each piece computes with
one thread, so its sums have one order and its figures do not depend on the number of cores.
"""

import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

# Pieces at a time: each keeps a matrix of its own, so memory grows with this number.
WORKERS: Final = 2

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Return the results of a function in the order of the items, two of them at a time."""
    # Imported first: the limit applies only to libraries that are already loaded.
    import sklearn.linear_model  # noqa: F401

    def alone(item: Item) -> Result:
        # OpenMP counts its threads for each calling thread.
        with threadpool_limits(limits=1):
            return function(item)

    # Around all of them: the first to finish must not give OpenBLAS its threads back, and Python's
    # filter of warnings, which scikit-learn changes for a moment, is one for all threads.
    with (
        warnings.catch_warnings(),
        threadpool_limits(limits=1),
        ThreadPoolExecutor(WORKERS) as pool,
    ):
        return list(pool.map(alone, items))
