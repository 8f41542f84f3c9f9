{#- Both relations hold as many rows of this run's window. -#}
{% test equal_rowcount(model, compare_model, window_column, compare_window_column) %}

    with counts as (
        select
            (select count(*) from {{ model }} where {{ in_window(window_column) }}) as here,
            (select count(*) from {{ compare_model }} where {{ in_window(compare_window_column) }}) as there
    )

    select * from counts
    where here != there

{% endtest %}
