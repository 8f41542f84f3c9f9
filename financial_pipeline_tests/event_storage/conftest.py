"""The instance of the commands, as in the tests of `defs`."""

from financial_pipeline_tests.defs.conftest import instance

__all__ = ["instance"]
