{#- The key of a place; a prefix that is not three digits counts as unknown, and the place is the
    state alone. -#}
{% macro geography_key(state, zip3) -%}
    {{ surrogate_key([
        state,
        "case when regexp_full_match(" ~ zip3 ~ ", '[0-9]{3}') then " ~ zip3 ~ " else 'unknown' end"
    ]) }}
{%- endmacro %}
