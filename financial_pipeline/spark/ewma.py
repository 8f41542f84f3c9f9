"""Exponentially weighted volatility as window sums: a recursion without a loop.

v_t = decay v_(t-1) + (1 - decay) l_t^2 is a sum of past squares with powers of the decay as
weights. The powers are counted within blocks, because over a whole history they would overflow;
what a block inherits is the end of the block before. Two blocks back the weight is below double
precision.
"""

from typing import Final

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from financial_pipeline.spark.returns import ANNUAL_SESSIONS, all_observations, in_order

# RiskMetrics' daily decay (1996).
DECAY: Final = 0.94
# 0.94 to this power is 1e-54.
BLOCK: Final = 2000
# Sessions between two returns beyond which the older ones are out of date.
LONGEST_GAP: Final = 10


def ewma_volatility(returns: DataFrame, *, decay: float = DECAY, block: int = BLOCK) -> DataFrame:
    """Adds ewma_volatility of log returns, annualised and seeded with the first square.

    Needs the whole history of a bank (methodology 3.2). The first return after a gap of more than
    LONGEST_GAP sessions is a seed again.
    """
    apart = F.col("session_number") - F.lag("session_number").over(in_order("has_return"))
    gaps = returns.withColumn("is_gap", apart > LONGEST_GAP).withColumn(
        "stretch", F.count_if("is_gap").over(all_observations())
    )
    of_bank = Window.partitionBy("symbol", "has_return", "stretch").orderBy("session_number")
    index = F.row_number().over(of_bank) - 1
    square = F.log1p("simple_return") ** 2
    # The first square counts in full: it is the seed.
    weight = F.when(index == 0, F.lit(1.0)).otherwise(F.lit(1 - decay))
    placed = gaps.withColumns(
        {
            "block": F.floor(index / block),
            "power": index % block + 1,
            "weighted": weight * square,
        }
    )
    in_block = (
        Window.partitionBy("symbol", "has_return", "stretch", "block")
        .orderBy("session_number")
        .rowsBetween(Window.unboundedPreceding, Window.currentRow)
    )
    scaled = F.sum(F.col("weighted") * F.pow(F.lit(decay), -F.col("power"))).over(in_block)
    own = placed.withColumn("own", scaled * F.pow(F.lit(decay), "power"))
    ends = own.withColumn("block_end", F.when(F.col("power") == block, F.col("own"))).withColumn(
        "inherited",
        F.last("block_end", ignorenulls=True).over(
            of_bank.rowsBetween(Window.unboundedPreceding, -1)
        ),
    )
    carried = F.coalesce(F.col("inherited") * F.pow(F.lit(decay), "power"), F.lit(0.0))
    variance = F.col("own") + carried
    return ends.withColumn("ewma_volatility", F.sqrt(variance * ANNUAL_SESSIONS)).drop(
        "block", "power", "weighted", "own", "block_end", "inherited", "is_gap", "stretch"
    )
