"""`disk` and `prune` over a data root that no run has used."""

from pathlib import Path

import pytest

from financial_pipeline_tests.command import run_command


@pytest.mark.parametrize(
    ("command", "words"), [("disk", "Nothing uses space: the data root"), ("prune", "Nothing to")]
)
def test_a_data_root_that_does_not_exist_is_said_to_be_empty(
    tmp_path: Path, command: str, words: str
) -> None:
    done = run_command(tmp_path / "none", command)
    assert (done.exit_code, done.output.count("\n")) == (0, 1)
    assert done.output.startswith(words)
    assert not (tmp_path / "none").exists()
