"""The chain of the event storage's tests as a code location, for what the web interface asks."""

import dagster as dg

from financial_pipeline_tests.event_storage.test_event_storage import chain

_built = chain()
defs = dg.Definitions(assets=_built[:-1], asset_checks=_built[-1:])
