"""Bombs, endless lines, too many columns, deep JSON, links and pipes: one sentence each."""

import gzip
import json
import os
from pathlib import Path

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.raw import ingest
from financial_pipeline.settings import Settings
from financial_pipeline.sources import bounded
from financial_pipeline.sources.compression import decompressed, open_text_lines
from financial_pipeline.sources.landing import candidates, detect, irregular

MONTHS = "DATE,UNRATE\n2019-01-01,4.0\n2019-02-01,3.8\n"


def _unpack(path: Path, folder: Path) -> int:
    with decompressed(path, folder) as plain:
        return plain.stat().st_size


def test_an_archive_bomb_is_refused_while_it_unpacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = tmp_path / "bomb.csv.gz"
    bomb.write_bytes(gzip.compress(b"0\n" * 5_000_000))
    assert _unpack(bomb, tmp_path) == 10_000_000
    monkeypatch.setattr(bounded, "ALWAYS_UNPACKED", 1 << 20)
    with pytest.raises(PipelineError, match="unpacks to more than 50 times its size"):
        _unpack(bomb, tmp_path)
    with pytest.raises(PipelineError, match="unpacks to more than"), open_text_lines(bomb) as lines:
        sum(1 for _ in lines)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bomb.csv.gz"]


@pytest.mark.parametrize("name", ["line.csv", "line.csv.gz"])
def test_an_endless_line_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    file, content = tmp_path / name, MONTHS.encode() + b"x" * (6 << 20)
    file.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert _unpack(file, tmp_path) == len(content)
    monkeypatch.setattr(bounded, "LONGEST_LINE", 1 << 20)
    with pytest.raises(PipelineError, match=r"has a line of more than 1 MiB"):
        _unpack(file, tmp_path)


def test_ten_thousand_columns_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "wide.csv"
    file.write_text("DATE," + ",".join(f"UNRATE_{n}" for n in range(10_000)) + "\n2019-01-01\n")
    with pytest.raises(PipelineError, match=r"has 10,001 columns, and at most 5,000 are read"):
        detect(file)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"observations":' * 100_000, '{"a":' * 99_999])
def test_deep_json_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "UNRATE.json"
    file.write_text(text)
    with pytest.raises(PipelineError, match=r"UNRATE\.json"):
        detect(file)
    document = {"realtime_start": "2019-01-01", "observations": []}
    file.write_text(json.dumps(document)[:-2] + text)
    with pytest.raises(PipelineError, match=r"UNRATE\.json"):
        detect(file)


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    """One data file, a link to it, one to a secret, a broken one, a loop, and a pipe."""
    folder = tmp_path / "drop"
    folder.mkdir()
    (folder / "UNRATE.csv").write_text(MONTHS)
    (folder / "copy.csv").symlink_to("UNRATE.csv")
    (folder / "JPM.csv").symlink_to("/proc/self/environ")
    (folder / "broken.csv").symlink_to("nowhere")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    os.mkfifo(folder / "pipe.csv")
    return folder


def test_links_and_pipes_of_the_drop_folder_are_refused_unread(drop: Path, tmp_path: Path) -> None:
    assert candidates(drop) == [drop / "UNRATE.csv"]
    names = {
        path.name: text.split(" is ")[1].split(";")[0] for path, text in irregular(drop).items()
    }
    links = dict.fromkeys(("copy.csv", "JPM.csv", "broken.csv", "loop"), "a link")
    assert names == links | {"pipe.csv": "a pipe, socket or device"}
    settings, paths = Settings(source="files", landing=drop), Paths(tmp_path / "root")
    assert [file.path.name for file in ingest.landed_files(settings, paths)] == ["UNRATE.csv"]
    left_out = ingest.left_out(paths)
    assert len(left_out) == 5
    assert "PATH" not in " ".join(left_out)


@pytest.mark.parametrize("control", ["\x0b", "\x1b[2J", "\x85", "\u2028"])
def test_a_control_character_of_a_header_stays_out_of_the_sentence(
    tmp_path: Path, control: str
) -> None:
    path = tmp_path / "JPM.csv"
    header = f"Date,Open,High,Low,Close,A{control}dj Close,Volume\n"
    path.write_text(header + "2019-03-28,1,3,1,2,1.5,10\n2019-03-29,1,3,1,2,1.5,10\n", "utf-8")
    with pytest.raises(
        PipelineError, match=r"JPM.csv has prices and columns .*dj Close"
    ) as refusal:
        detect(path)
    assert control[0] not in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1
