"""Every case of the optional folders ends as it should, by command."""

import pytest

from financial_pipeline_tests.cases import table


@pytest.mark.nightly
@pytest.mark.parametrize("case", table.all_cases(), ids=lambda case: case.folder)
def test_case_ends_as_expected(case: table.Case) -> None:
    assert table.run(case).wrong == ()


def test_values_agree_within_half_a_per_cent_and_texts_exactly() -> None:
    assert table.agree(0.2146, 0.2140)
    assert not table.agree(0.2146, 0.2)
    assert not table.agree(None, 0.2)
    assert table.agree(None, None)
    assert not table.agree("a", "b")
