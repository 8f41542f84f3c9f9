{#- A setting of a run, read when a node runs: `--vars` first, then the environment, then the
    default. dbt reads all files again when `--vars` change, so runs pass their window through the
    environment (FINANCIAL_PIPELINE_FIRST_PARTITION and so on); nothing is read while parsing.

    first_partition, last_partition: the window, both ends included; months by their first day.
    default_lag_months: months between the last payment and the charge-off (methodology 1.4).
    maturity_cutoff: last month for which outcomes count as known; empty for each loan's snapshot.
    world_clock: the world's today for the recency tests; empty for none, and they pass. -#}
{% macro run_setting(name) -%}
    {%- set defaults = {
        "first_partition": "1900-01-01",
        "last_partition": "9999-12-31",
        "default_lag_months": 5,
        "maturity_cutoff": "",
        "world_clock": "",
    } -%}
    {%- set value = var(name, none) if execute else none -%}
    {%- if value is none and execute -%}
        {%- set value = env_var("FINANCIAL_PIPELINE_" ~ name | upper, "") -%}
    {%- endif -%}
    {{ return(defaults[name] if value is none or value == "" else value) }}
{%- endmacro %}
