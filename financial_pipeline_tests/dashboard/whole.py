"""The hand-written world with every table that a page shows."""

from datetime import UTC, datetime
from pathlib import Path

from financial_pipeline.publishing import publication
from financial_pipeline_tests.dashboard import world, world_credit, world_markets, world_model


def write(folder: Path) -> Path:
    """Publish all of it below `folder`, observed now; returns the folder."""
    paths = world.publish(folder)
    world_credit.credit(paths)
    world_credit.flows(paths)
    world_markets.market(paths)
    world_markets.restated(paths)
    world_markets.macro(paths)
    world_model.model(paths)
    world.stream(paths, datetime.now(UTC))
    world.alerts(paths)
    world.operations(paths)
    publication.publish(paths, ["test"], world.SIMULATED)
    return folder
