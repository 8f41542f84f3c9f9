{#- The partition of a staging row, from the name of its file: a filter on it opens only the files
    of the window. -#}
{% macro partition_date() -%}
    cast(parse_filename(filename, true) as date)
{%- endmacro %}
