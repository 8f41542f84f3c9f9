"""Commands on an address in object storage: one sentence for each fault, and no secret anywhere."""

from pathlib import Path

import pytest

from financial_pipeline.paths import Paths
from financial_pipeline.publishing import object_storage, working_copy
from financial_pipeline.settings import Settings
from financial_pipeline_tests.command import run_command
from financial_pipeline_tests.publishing.machines import published
from financial_pipeline_tests.s3_service import BUCKET, KEY_ID, SECRET, S3Service

ADDRESS = f"s3://{BUCKET}/commands"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache, in which working copies are."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "financial-pipeline" / "object_storage"


def test_an_address_is_the_data_root_and_its_copy_is_in_the_cache(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", f"{ADDRESS}/")
    settings = Settings(_env_file=None)
    assert settings.object_storage == ADDRESS
    assert settings.data_root == cache / BUCKET / "commands"


def test_the_option_takes_an_address(s3: S3Service, cache: Path, tmp_path: Path) -> None:
    address = f"{ADDRESS}/option"
    here = Paths(tmp_path / "here")
    working_copy.prepare(here, address, builds=False)
    published(here, 42)
    query = "select x from marts.fct_loans"
    done = run_command("unused", "sql", "--data-root", address, "--format", "csv", query)
    assert (done.exit_code, done.output, done.errors) == (0, "x\n42\n", "")
    assert (cache / BUCKET / "commands" / "option" / "published.json").exists()


@pytest.mark.parametrize(
    ("address", "variable", "value", "sentence"),
    [
        ("s3://absent/data", "AWS_REGION", "us-east-1", "The bucket absent does not exist at"),
        (ADDRESS, "AWS_ACCESS_KEY_ID", "AKIDSOMEBODYELSE", "refuses access to"),
        (ADDRESS, "AWS_ENDPOINT_URL", "http://127.0.0.1:9", "cannot be reached at"),
        ("s3://No_Bucket!", "AWS_REGION", "us-east-1", "not of the form s3://bucket/folder"),
    ],
)
def test_a_fault_is_one_sentence(
    s3: S3Service,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    variable: str,
    value: str,
    sentence: str,
) -> None:
    monkeypatch.setenv(variable, value)
    done = run_command(address, "figures")
    assert (done.exit_code, done.output) == (1, "")
    assert sentence in done.errors
    assert len(done.errors.splitlines()) == 1
    assert SECRET not in done.errors
    assert KEY_ID not in done.errors


def test_an_unreachable_service_leaves_the_publication_before(
    s3: S3Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = Paths(tmp_path / "here")
    working_copy.prepare(paths, f"{ADDRESS}/down", builds=False)
    published(paths, 1)
    before = paths.manifest.read_bytes()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(object_storage.Unreachable, match="published data is unchanged"):
        published(paths, 2)
    assert paths.manifest.read_bytes() == before


def test_no_file_of_the_working_copy_contains_a_key(s3: S3Service, tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    working_copy.prepare(paths, f"{ADDRESS}/secrets", builds=True)
    published(paths, 1)
    texts = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert len(texts) > 3
    assert [text for text in texts if SECRET.encode() in text or KEY_ID.encode() in text] == []
