{#- The rows that this run replaces: both ends of the window included. -#}
{% macro in_window(column) -%}
    {{ column }} between date '{{ run_setting("first_partition") }}'
    and date '{{ run_setting("last_partition") }}'
{%- endmacro %}


{#- Incremental strategy `window`: delete the window and insert the model's rows, in the one
    transaction of the materialization. Rows deleted upstream are deleted here too, and a failure
    leaves the old rows. The model's `incremental_predicates` contain the column of the
    window, since a predicate with its dates would be fixed when dbt parses. -#}
{% macro get_incremental_window_sql(arg_dict) -%}
    {%- set columns = get_quoted_csv(arg_dict["dest_columns"] | map(attribute="name")) -%}
    delete from {{ arg_dict["target_relation"] }}
    where {{ in_window(arg_dict["incremental_predicates"] | first) }};

    insert into {{ arg_dict["target_relation"] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict["temp_relation"] }};
{%- endmacro %}
