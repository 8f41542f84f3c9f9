"""Tests are distributed by what they share."""

from types import SimpleNamespace
from typing import Any

import pytest

from financial_pipeline_tests.balance import TOGETHER, group_of, longest_first
from financial_pipeline_tests.conftest import PROJECT_ROOT

FOLDER = "financial_pipeline_tests"


@pytest.mark.parametrize("place", [place for places in TOGETHER.values() for place in places])
def test_each_named_place_exists(place: str) -> None:
    assert (PROJECT_ROOT / FOLDER / place).exists()


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("spark/test_session.py", "spark"),
        ("flink/test_poison.py", "flink"),
        ("streaming/test_contract.py", "flink"),
        ("streaming/test_landing.py", "streaming/test_landing.py"),
        ("test_readme.py", "demo"),
    ],
)
def test_tests_with_the_same_servers_have_one_group(path: str, group: str) -> None:
    assert group_of(f"{FOLDER}/{path}::test_a[b::c]") == group


def test_long_groups_start_first_and_others_keep_their_order() -> None:
    paths = ["b.py", "a.py", "browser/x.py", "streaming/test_contract.py", "flink/y.py"]
    items: list[Any] = [SimpleNamespace(nodeid=f"{FOLDER}/{path}::test_a") for path in paths]
    longest_first(items)
    assert [item.nodeid.split("/", 1)[1].split("::")[0] for item in items] == [
        "flink/y.py",
        "streaming/test_contract.py",
        "browser/x.py",
        "b.py",
        "a.py",
    ]
