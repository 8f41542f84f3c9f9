{#- A stable 63-bit BIGINT from the natural key: the upper bits of one half of its MD5. The same
    natural key gives the same surrogate in every rebuild and on every machine. -#}
{% macro surrogate_key(columns) -%}
    cast(
        md5_number_lower(
            concat_ws(
                '|'
                {%- for column in columns %}, coalesce(cast({{ column }} as varchar), '')
                {%- endfor %}
            )
        ) >> 1 as bigint
    )
{%- endmacro %}
