"""Liquidity: dollar volume of the banks' shares."""

import streamlit as st

from financial_pipeline.dashboard import elements
from financial_pipeline.dashboard.data import Release, current

VOLUMES = "metrics/dollar_volumes"


def show(release: Release) -> None:
    """Draw the page."""
    st.header("Dollar volume", anchor=False)
    if elements.present(release, VOLUMES):
        elements.table(release.rows("select * from metrics.dollar_volumes", VOLUMES), "volumes")
        elements.source(release, VOLUMES)


show(current())
