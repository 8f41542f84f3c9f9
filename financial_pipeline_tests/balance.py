"""Which tests share a process of `make test`, and in which order they start.

Each process has its own servers and session worlds: tests that use the same ones stay together.
The longest of these groups come first, so that no process waits at the end for the other's.
"""

from typing import Final

import pytest
from xdist.scheduler import LoadFileScheduling

# Paths below this folder by group, the longest group first; any other file is a group of its own.
TOGETHER: Final[dict[str, tuple[str, ...]]] = {
    # One demo of the simulated world.
    "demo": (
        "integration/test_simulated_demo.py",
        "integration/test_planted_faults.py",
        "test_readme.py",
    ),
    # One Spark session; the model assets share a data root with Spark's second opinion of them.
    "spark": ("spark/", "defs/ml/", "staging/test_spark_engine.py"),
    # One Kafka and Flink.
    "flink": ("flink/", "streaming/test_contract.py"),
    "increments": ("integration/test_incremental.py",),
    "histories": ("defs/test_histories.py",),
    "files": ("real_data/test_files_demo.py",),
    "dbt": ("dbt/",),
    "daemon": ("daemon/",),
    # One data root with all tables.
    "dashboard": ("dashboard/",),
    # A million loans.
    "simulator": ("simulator/",),
    # Books of made-up and of real loans.
    "ml": ("ml/",),
    "live": ("raw/test_live_run.py",),
    # One server of the dashboard, and one Chromium.
    "browser": ("browser/",),
    "containers": ("test_docker_services.py",),
    "drills": ("drills/",),
}


def path_of(node_id: str) -> str:
    """The file of a test, below this folder."""
    return node_id.partition("::")[0].partition("financial_pipeline_tests/")[2]


def group_of(node_id: str) -> str:
    """The group of a test."""
    path = path_of(node_id)
    named = (name for name, places in TOGETHER.items() if path.startswith(places))
    return next(named, path)


def longest_first(items: list[pytest.Item]) -> None:
    """Sort tests by their groups; tests without a named group keep their order behind those."""
    places = [place for group in TOGETHER.values() for place in group]

    def position(item: pytest.Item) -> int:
        path = path_of(item.nodeid)
        found = (number for number, place in enumerate(places) if path.startswith(place))
        return next(found, len(places))

    items.sort(key=position)


class Balanced(LoadFileScheduling):
    """Distributes groups instead of files."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
