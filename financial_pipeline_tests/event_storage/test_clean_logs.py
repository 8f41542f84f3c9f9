"""The output of steps and the logs of processes contain no secret, on disk and on the screen."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from financial_pipeline_tests.conftest import PROJECT_ROOT

KEY = "planted-key-4c07"
TELLING = """
    import os, subprocess, sys
    import dagster as dg

    @dg.asset
    def telling(context: dg.AssetExecutionContext) -> None:
        key = os.environ["FRED_API_KEY"]
        print("printed", key, flush=True)
        print("warned", key, file=sys.stderr)
        subprocess.run(["sh", "-c", f"echo child {key}"], check=True)
        context.log.error("logged %s", key)
        raise ValueError(f"refused {key}")

    with dg.DagsterInstance.get() as instance:
        dg.materialize([telling], instance=instance, raise_on_error=False)
"""


def test_secrets_are_masked_in_files_and_on_the_screen(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_bytes((PROJECT_ROOT / "dagster.yaml").read_bytes())
    program = "\n".join(line[4:] for line in TELLING.splitlines())
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"DAGSTER_HOME": str(tmp_path), "FRED_API_KEY": KEY},
        capture_output=True,
        text=True,
        check=True,
    )
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert [path for path, content in files.items() if KEY.encode() in content] == []
    assert KEY not in done.stdout + done.stderr
    [out] = [content.decode() for path, content in files.items() if path.suffix == ".out"]
    [err] = [content.decode() for path, content in files.items() if path.suffix == ".err"]
    assert out.splitlines() == ["printed ***", "child ***"] == done.stdout.splitlines()
    for said in ("warned ***", "logged ***", "ValueError: refused ***"):
        assert said in err
        assert said in done.stderr
    index = [content for path, content in files.items() if path.name == "index.db"]
    assert len(index) == 1


@pytest.mark.parametrize("lines", [1, 5_000])
def test_every_line_arrives_before_the_step_ends(tmp_path: Path, lines: int) -> None:
    target = tmp_path / "step.out"
    text = "".join(f"line {number}\n" for number in range(lines)) + "no end of line"
    finished, signal = os.pipe()
    command = [sys.executable, "-m", "financial_pipeline.redaction", str(target), "7f3a"]
    done = subprocess.run(
        [*command, str(signal)],
        input=f"{text}7f3a\nlater\n",
        capture_output=True,
        text=True,
        check=True,
        pass_fds=(signal,),
    )
    os.close(signal)
    assert os.read(finished, 1) == b""
    os.close(finished)
    assert target.read_text("utf-8") == done.stdout == f"{text}later\n"


LEAVING = """
    import subprocess, sys
    from financial_pipeline.event_storage import clean_logs

    clean_logs.LAST_LINES_SECONDS = 600.0
    with clean_logs._through_redaction(sys.stdout, sys.argv[1]):
        print("before")
        child = subprocess.Popen(["sleep", "600"])
    child.kill()
    print("after")
"""


def test_a_program_that_a_step_left_running_does_not_delay_it(tmp_path: Path) -> None:
    program = "\n".join(line[4:] for line in LEAVING.splitlines())
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "step.out")],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout == "before\nafter\n"
    assert (tmp_path / "step.out").read_text("utf-8") == "before\n"
