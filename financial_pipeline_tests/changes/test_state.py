"""The state of what was built: lost or damaged, it costs a rebuild and never a wrong skip."""

from pathlib import Path

import pytest

from financial_pipeline.changes import state, unchanged
from financial_pipeline.changes.state import Built
from financial_pipeline.paths import Paths

ENTRY = Built("code", "settings", ("2019-01-01", "2019-03-01"), {"raw/x": "1"}, "hash", {"a": "b"})


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


def test_entries_are_read_as_they_were_written(paths: Paths) -> None:
    state.remember(paths, {"staging/x": ENTRY})
    assert state.read(paths) == {"staging/x": ENTRY}


@pytest.mark.parametrize("content", ["", "{ torn", "[]", '{"staging/x": {"code": 1}}'])
def test_a_damaged_state_knows_nothing(paths: Paths, content: str) -> None:
    state.remember(paths, {"staging/x": ENTRY})
    (paths.data_root / "built.json").write_text(content)
    assert state.read(paths) == {}


@pytest.mark.parametrize("keys", [{"staging/x"}, None])
def test_forgetting_replaces_a_damaged_state(paths: Paths, keys: set[str] | None) -> None:
    (paths.data_root / "built.json").write_text("{ torn")
    state.forget(paths, keys)
    assert (paths.data_root / "built.json").read_text() == "{}"


def test_forgetting_leaves_other_entries_and_makes_the_whole_not_unchanged(paths: Paths) -> None:
    state.remember(paths, {"staging/x": ENTRY, "staging/y": ENTRY})
    unchanged.remember(paths, "fingerprint")
    state.forget(paths, {"staging/x"})
    assert state.read(paths) == {"staging/y": ENTRY}
    assert not (paths.data_root / "unchanged.json").exists()
    state.forget(paths, None)
    assert state.read(paths) == {}
