"""The cases of loan files with their right outcomes."""

from typing import Final

from financial_pipeline_tests.cases.table import Case

CASES: Final[tuple[Case, ...]] = ()
