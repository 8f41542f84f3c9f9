{#- Both relations have the same number of rows in the window of the run. -#}
{% test equal_rowcount(model, compare_model, window_column, compare_window_column) %}

    with counts as (
        select
            (select count(*) from {{ model }} where {{ in_window(window_column) }}) as model_rows,
            (select count(*) from {{ compare_model }} where {{ in_window(compare_window_column) }}) as compared_rows
    )

    select * from counts
    where model_rows != compared_rows

{% endtest %}
