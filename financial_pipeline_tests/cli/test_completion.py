"""Shells complete the commands: real bash asks the installed program."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from financial_pipeline.cli.main import commands
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication

PROGRAM = "financial-pipeline"


def _completed(*words: str, **variables: str) -> list[str]:
    """Return what bash offers for the last word."""
    script = CliRunner().invoke(commands, ["completion", "bash"], prog_name=PROGRAM).output
    line = " ".join(f"'{word}'" for word in (PROGRAM, *words))
    ask = (
        f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words)}\n"
        f"_financial_pipeline_completion {PROGRAM}; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", ask],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **variables, "PATH": path},
    )
    return done.stdout.split()


def test_bash_completes_commands_options_and_choices() -> None:
    assert _completed("fig") == ["figures"]
    assert _completed("figures", "--ha") == ["--hashes"]
    assert _completed("sql", "--format", "par") == ["parquet"]


def test_bash_completes_kept_versions(tmp_path: Path) -> None:
    publication.publish(Paths(tmp_path), ["test"], {"source": "files"})
    (version,) = (path.stem for path in (tmp_path / "versions").glob("*.json"))
    assert _completed("diff", "", FINANCIAL_PIPELINE_DATA_ROOT=str(tmp_path)) == [version]


@pytest.mark.parametrize(("shell", "mark"), [("zsh", "#compdef"), ("fish", "complete --no-files")])
def test_other_shells_get_a_script_of_their_own(shell: str, mark: str) -> None:
    done = CliRunner().invoke(commands, ["completion", shell], prog_name=PROGRAM)
    assert mark in done.output
    assert f"_FINANCIAL_PIPELINE_COMPLETE={shell}_complete" in done.output


def test_an_unknown_shell_is_refused_with_the_known_ones() -> None:
    done = CliRunner().invoke(commands, ["completion", "csh"], prog_name=PROGRAM)
    assert done.exit_code == 2
    assert "'bash', 'zsh', 'fish'" in done.output
