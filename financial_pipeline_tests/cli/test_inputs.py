"""Wrong inputs are one sentence before anything expensive starts; a run ends with what to know."""

import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from financial_pipeline.cli import inputs, read
from financial_pipeline.cli.main import commands
from financial_pipeline.errors import PipelineError
from financial_pipeline.figures import headline
from financial_pipeline.paths import Paths
from financial_pipeline.settings import Settings
from financial_pipeline_tests.command import run_command

# Of a command that starts a process of its own, on a busy machine.
SECONDS = 10


def _check(tmp_path: Path, **values: object) -> None:
    inputs.check(Settings.model_validate(values), Paths(tmp_path / "root"))


def test_a_wrong_drop_folder_is_refused_at_once(tmp_path: Path) -> None:
    started = time.monotonic()
    missing = str(tmp_path / "none")
    done = run_command(tmp_path / "root", "demo", "--source", "files", "--landing", missing)
    assert done.exit_code == 1
    assert done.errors == (
        f"Error: The drop folder {missing} does not exist; pass the folder that contains your files"
        " with --landing DIR.\n"
    )
    assert time.monotonic() - started < SECONDS
    assert not (tmp_path / "root").exists()


def test_a_drop_folder_without_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty" / "within").mkdir(parents=True)
    with pytest.raises(PipelineError, match="contains no data file"):
        _check(tmp_path, source="files", landing=tmp_path / "empty")
    with pytest.raises(PipelineError, match="needs a drop folder; pass --landing DIR"):
        _check(tmp_path, source="files", landing=None)
    with pytest.raises(PipelineError, match="does not exist"):
        _check(tmp_path, source="live", landing=tmp_path / "none")


def test_a_drop_folder_with_unknown_files_is_refused_before_a_jvm_starts(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "x.csv").write_text("a,b\n1,2\n")
    arguments = ("demo", "--source", "files", "--landing", str(tmp_path / "drop"))
    done = run_command(tmp_path / "root", *arguments)
    assert done.exit_code == 1
    assert "starts with 'a,b', which is no known header" in done.errors
    assert done.errors.count("\n") == 1


def test_a_drop_folder_of_the_simulated_world_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATA_ROOT", "LANDING"):
        monkeypatch.setenv(f"FINANCIAL_PIPELINE_{name}", str(tmp_path / "root"))
    done = CliRunner().invoke(commands, ["demo", "--landing", str(tmp_path)])
    assert str(done.exception) == (
        "--landing has no effect in the simulated world; add --source files (or live)."
    )
    _check(tmp_path, source="simulated", landing=tmp_path)


def test_a_data_root_that_is_a_file_or_another_world_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PipelineError, match="is no folder"):
        inputs.check(Settings(source="simulated"), Paths(tmp_path / "file" / "root"))
    (tmp_path / "world.json").write_text('{"source": "live", "is_synthetic": false}')
    with pytest.raises(PipelineError, match="pass --source live to use it"):
        inputs.check(Settings(source="simulated"), Paths(tmp_path))


def test_the_version_is_printed() -> None:
    done = CliRunner().invoke(commands, ["--version"])
    assert done.output.endswith(" 0.1.0\n")


@pytest.mark.parametrize("text", ["JPM,MS", " JPM , MS ", '["JPM", "MS"]'])
def test_a_list_is_names_with_commas_or_json(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_SYMBOLS", text)
    assert Settings().symbols == ("JPM", "MS")


CONTENT = {
    "default_rates": [
        {"definition": "D1", "grade": "A", "rate": 0.05, "low": 0.04, "high": 0.06, "loans": 100},
        {"definition": "D1", "grade": "all", "rate": 0.134, "low": 0.13, "high": 0.14}
        | {"loans": 17_433},
    ],
    "prices": [
        {"symbol": "GS", "annualised_volatility": 0.31, "last_date": "2019-03-29"},
        {"symbol": "JPM", "annualised_volatility": 0.22, "last_date": "2019-03-28"},
        {"symbol": "C", "annualised_volatility": None, "last_date": "2019-03-28"},
    ],
    "macro": [{"series_id": "UNRATE", "value": 3.8, "observation_date": "2019-02-01"}],
    "model": {"not_served": None, "borrower_only": {"out_of_time": {"auc": 0.7, "ks": 0.3}}},
}


def test_a_run_ends_with_the_figures_to_know_and_three_commands() -> None:
    assert headline.sentences(CONTENT) == [
        "Matured loans that defaulted (D1): 13.40% (95% 13.00% to 14.00%, n 17,433)",
        "Annualised volatility of 2 banks: 22.0% (JPM) to 31.0% (GS), up to 2019-03-29",
        "Unemployment (UNRATE): 3.8% of 2019-02",
        "Default model (borrower only), out of time: AUC 0.700, KS 0.300; served",
    ]
    nothing = {"default_rates": [], "prices": [], "macro": [], "model": {}}
    assert headline.sentences(nothing) == []
    assert len(headline.NEXT) == 3


def test_next_commands_name_the_data_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from financial_pipeline.figures import attention, figures

    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(tmp_path / "my data"))
    monkeypatch.setattr(figures, "figures", lambda _: CONTENT)
    monkeypatch.setattr(attention, "sentence", lambda _: "")
    read.show_headline()
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("Next:")
    place = f"--data-root '{tmp_path}/my data'"
    # A line that would be too wide for a terminal has its purpose above it.
    assert lines[at + 1 : at + 3] == [
        "  # the pages, in a browser",
        f"  financial-pipeline dashboard {place}",
    ]
    monkeypatch.delenv("FINANCIAL_PIPELINE_DATA_ROOT")
    read.show_headline()
    lines = capsys.readouterr().out.splitlines()
    assert lines[lines.index("Next:") + 1] == (
        "  financial-pipeline dashboard  # the pages, in a browser"
    )
    assert max(map(len, lines[lines.index("Next:") :])) <= read.COLUMNS
