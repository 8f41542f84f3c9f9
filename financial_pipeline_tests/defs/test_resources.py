"""A data root that another checkout has used before."""

from pathlib import Path

from financial_pipeline.defs.resources import forget_other_checkout


def test_what_dbt_parsed_elsewhere_is_not_taken_over(tmp_path: Path) -> None:
    target, parsed = tmp_path / "target", tmp_path / "target" / "partial_parse.msgpack"
    forget_other_checkout(target, tmp_path / "here")
    parsed.write_bytes(b"seeds below here")

    forget_other_checkout(target, tmp_path / "here")
    assert parsed.exists()

    forget_other_checkout(target, tmp_path / "there")
    assert not parsed.exists()
