"""Metric formulas on Spark, one module per metric table."""
