"""Paths of all kinds arrive in Java's programs as they are."""

import tempfile
from pathlib import Path

import pytest

from financial_pipeline.defs.leftovers import TEMPORARY
from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.flink import FlinkCluster
from financial_pipeline.local_cluster.java_text import (
    environment,
    flink_address,
    property_value,
    require_usable,
)


def test_a_value_of_a_properties_file_is_plain_letters_and_escapes() -> None:
    assert property_value("/data/it's é") == "/data/it's \\u00e9"
    assert property_value("a\\b") == "a\\\\b"
    # Beyond 16 bits, Java writes two units.
    assert property_value("𝄞") == "\\ud834\\udd1e"


def test_the_address_of_a_folder_has_its_name_as_it_is() -> None:
    assert flink_address(Path("/data/my état 100%")) == "file:///data/my état 100%"


@pytest.mark.parametrize("name", ["a,b", "a:b"])
def test_a_path_that_java_would_split_is_refused(name: str) -> None:
    with pytest.raises(PipelineError, match=r"because its path contains '[,:]'; use another"):
        require_usable(Path("/data") / name)
    require_usable(Path("/data/it's an état; 100% mine"))


def cluster(folder: Path) -> FlinkCluster:
    some = Path("/some")
    return FlinkCluster(folder, some, some, some, "java", some, rest_port=1, zookeeper_port=2)


def test_the_blob_store_of_flink_gets_a_path_that_it_cannot_encode_twice() -> None:
    assert cluster(Path("/data/flink")).recovery == Path("/data/flink/recovery")
    odd, other = cluster(Path("/my data/flink")).recovery, cluster(Path("/a b/flink")).recovery
    assert odd.parent == Path(tempfile.gettempdir())
    assert (odd == cluster(Path("/my data/flink")).recovery, odd == other) == (True, False)
    assert TEMPORARY.fullmatch(odd.name)


def test_java_has_a_locale_whatever_the_one_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    assert environment()["LC_ALL"] == "C.UTF-8"
