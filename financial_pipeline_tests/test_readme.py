"""Every command of README and documentation is run, or says why not; every link leads on."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from financial_pipeline_tests.conftest import PROJECT_ROOT, SMALL_WORLD

README = PROJECT_ROOT / "README.md"
README_LINES = 120
# In the order in which their commands are run: the first ones make the demo world.
COMMANDS = PROJECT_ROOT / "docs" / "commands.md"
GUIDES = [PROJECT_ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
PAGES = [COMMANDS, README, *GUIDES]
PAGES += sorted({*(PROJECT_ROOT / "docs").glob("*.md")} - {COMMANDS})
LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")
CI_SCRIPT = PROJECT_ROOT / ".ci" / "run"
MARK = re.compile(r"<!-- not run by CI: (needs .+) -->")


@dataclass(frozen=True)
class Block:
    """A fenced bash block, and the reason why CI does not run it, if it has one."""

    line: int
    text: str
    reason: str | None


def bash_blocks(markdown: str) -> list[Block]:
    lines = markdown.splitlines()
    blocks = []
    for start in (number for number, line in enumerate(lines) if line == "```bash"):
        end = lines.index("```", start)
        marked = MARK.fullmatch(lines[start - 1]) if start else None
        text = "\n".join(lines[start + 1 : end])
        blocks.append(Block(start + 1, text, marked.group(1) if marked else None))
    return blocks


def is_run_by_ci_script(block: Block) -> bool:
    commands = set(CI_SCRIPT.read_text("utf-8").splitlines())
    return block.text == ".ci/run" or all(line in commands for line in block.text.splitlines())


def blocks_to_run(page: Path) -> list[Block]:
    blocks = bash_blocks(page.read_text("utf-8"))
    return [block for block in blocks if not block.reason and not is_run_by_ci_script(block)]


@pytest.fixture
def workshop(tmp_path: Path) -> Path:
    """An empty folder with the environment in its usual place."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


def test_readme_shows_the_commands_that_ci_runs_on_every_push() -> None:
    shown = "\n".join(block.text for block in bash_blocks(README.read_text("utf-8")))
    assert {"make demo", "make test"} <= set(shown.splitlines())


def test_the_readme_is_short() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= README_LINES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_the_documentation_lead_to_files(page: Path) -> None:
    links = LINK.findall(page.read_text("utf-8"))
    local = [link for link in links if not link.startswith(("http://", "https://"))]
    assert [link for link in local if not (page.parent / link).exists()] == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_command_of_the_documentation_succeeds(workshop: Path, simulated_root: Path) -> None:
    # The first of them, `demo`, finds its world built, as after `make demo`.
    shutil.copytree(simulated_root, workshop / "data")
    settings = {"DATA_ROOT": str(workshop / "data"), "LOANS": SMALL_WORLD}
    environment = os.environ | {
        "PATH": f"{workshop / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        **{f"FINANCIAL_PIPELINE_{name}": value for name, value in settings.items()},
    }
    blocks = [(page, block) for page in PAGES for block in blocks_to_run(page)]
    assert blocks
    for page, block in blocks:
        command = ["bash", "-euo", "pipefail", "-c", block.text]
        done = subprocess.run(
            command, cwd=workshop, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{page.name}:{block.line}\n{done.stdout}\n{done.stderr}"


def test_bash_blocks_reads_marks_and_leaves_other_languages() -> None:
    text = "\n".join(
        [
            "```bash",
            "a",
            "b",
            "```",
            "```json",
            "{}",
            "```",
            "<!-- not run by CI: needs a server -->",
            "```bash",
            "c",
            "```",
        ]
    )
    blocks = bash_blocks(text)
    assert [block.text for block in blocks] == ["a\nb", "c"]
    assert [block.reason for block in blocks] == [None, "needs a server"]
