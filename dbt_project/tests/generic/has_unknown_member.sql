{#- The dimension has exactly one row with the key -1, so that no fact needs a null key. -#}
{% test has_unknown_member(model, column_name) %}

    select count(*) as members
    from {{ model }}
    where {{ column_name }} = -1
    having count(*) != 1

{% endtest %}
