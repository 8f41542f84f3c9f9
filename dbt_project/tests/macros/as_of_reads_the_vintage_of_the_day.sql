-- The documented releases of nominal GDP for 2013Q4, with the quarter before; nothing after 275 days.
-- The bill is known on its own day, and the one of the next day is withdrawn after two.
{%- set cases = [
    ("GDP", "2014-01-29", 16912.9), ("GDP", "2014-01-30", 17102.5), ("GDP", "2014-02-15", 17102.5),
    ("GDP", "2014-02-27", 17102.5), ("GDP", "2014-02-28", 17080.7), ("GDP", "2014-03-01", 17080.7),
    ("GDP", "2014-03-27", 17089.6), ("GDP", "2014-07-03", 17089.6),
    ("GDP", "2014-07-04", "cast(null as double)"), ("GDP", "9999-12-31", "cast(null as double)"),
    ("DTB3", "2014-01-01", "cast(null as double)"), ("DTB3", "2014-01-02", 0.07),
    ("DTB3", "2014-01-06", 0.05), ("DTB3", "2014-01-07", 0.05), ("DTB3", "2014-01-08", 0.07),
] %}

with releases (series_id, observation_date, realtime_start, realtime_end, value) as (

    values
    ('GDP', date '2013-07-01', date '2013-11-07', date '9999-12-31', 16912.9),
    ('GDP', date '2013-10-01', date '2014-01-30', date '2014-02-28', 17102.5),
    ('GDP', date '2013-10-01', date '2014-02-28', date '2014-03-27', 17080.7),
    ('GDP', date '2013-10-01', date '2014-03-27', date '9999-12-31', 17089.6),
    ('GDP', date '2014-01-01', date '2014-01-15', date '9999-12-31', null),
    ('DTB3', date '2014-01-02', date '2014-01-02', date '9999-12-31', 0.07),
    ('DTB3', date '2014-01-03', date '2014-01-06', date '2014-01-08', 0.05)

),

answers as (

    {%- for series, day, expected in cases %}
        {{ "union all" if not loop.first }}
        select
            '{{ series }}' as series_id,
            '{{ day }}' as known_on,
            {{ expected }} as expected,
            (select value from {{ as_of("'" ~ series ~ "'", "date '" ~ day ~ "'", "releases") }}) as actual
    {%- endfor %}

)

select *
from answers
where actual is distinct from expected
