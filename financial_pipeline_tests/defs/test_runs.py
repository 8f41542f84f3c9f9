"""The order in which a command starts Java, its threads and its runs."""

from pathlib import Path
from typing import Any, Self

import pytest

from financial_pipeline.defs import runs
from financial_pipeline.paths import Paths
from financial_pipeline.settings import Settings


class Stopped(Exception):
    """Ends the command once the order is known."""


class Stream:
    """Stands for the thread of the stream."""

    def __init__(self, order: list[str]) -> None:
        self._order = order

    def __enter__(self) -> Self:
        self._order.append("stream")
        return self

    def __exit__(self, *_: object) -> None:
        pass


def test_java_starts_before_any_thread_computes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # PySpark forks for it; a matrix product of OpenBLAS in another thread would never end.
    order: list[str] = []

    def landed(*_: Any, **__: Any) -> None:
        order.append("files")
        raise Stopped

    monkeypatch.setattr(runs, "launch_driver", lambda: order.append("java"))
    monkeypatch.setattr(runs, "_start_spark", lambda: None)
    monkeypatch.setattr(runs, "_landed", landed)
    stream: Any = Stream(order)
    with pytest.raises(Stopped):
        runs.run_families(
            Settings(), Paths(tmp_path), lambda: None, print, analytics=True, stream=stream
        )
    assert order == ["java", "stream", "files"]
