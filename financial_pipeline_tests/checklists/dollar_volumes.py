"""Dollar volume of the banks' shares."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from financial_pipeline.schemas.metrics import DOLLAR_VOLUMES
from financial_pipeline.spark.contract import write_columns


def dollar_volumes(prices: DataFrame, first: date, last: date) -> DataFrame:
    """Closing price times shares traded, by bank and session; `prices` is fct_daily_prices."""
    product = F.col("close").cast("double") * F.col("volume")
    rows = prices.withColumn("dollar_volume_usd", product)
    return write_columns(rows, DOLLAR_VOLUMES, first, last)
