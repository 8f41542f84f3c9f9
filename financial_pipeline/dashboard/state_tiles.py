"""A tile-grid map of the states: each state is one square, near its place on the map.

Equal tiles keep small states readable at any width, and no outline has to be fetched.
"""

from typing import Final

import polars as pl

# One line per row of the grid, from north to south; two letters a tile.
GRID: Final = """
AK .. .. .. .. .. .. .. .. .. ME
.. .. .. .. .. .. .. .. .. VT NH
WA ID MT ND MN IL WI MI NY RI MA
OR NV WY SD IA IN OH PA NJ CT ..
CA UT CO NE MO KY WV VA MD DE ..
.. AZ NM KS AR TN NC SC DC .. ..
.. .. .. OK LA MS AL GA .. .. ..
HI .. .. TX .. .. .. .. FL .. ..
"""


def tiles() -> pl.DataFrame:
    """One row per state: `state`, `row` and `column` of its tile, from the top left."""
    return pl.DataFrame(
        [
            {"state": code, "row": row, "column": column}
            for row, line in enumerate(GRID.split("\n")[1:-1])
            for column, code in enumerate(line.split())
            if code != ".."
        ]
    )
