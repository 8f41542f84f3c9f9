"""Tests of the dbt project: a small staged world, built by dbt itself."""
