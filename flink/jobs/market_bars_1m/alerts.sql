-- An alert stands where a bar reaches a severity that none of the ten bars before it reached.
create temporary view alert_scores as
select symbol, session_date, window_start_us, window_time, `close`, source,
  'return_zscore' as rule, return_zscore as zscore
from indicators
union all
select symbol, session_date, window_start_us, window_time, `close`, source,
  'volume_zscore' as rule, volume_zscore as zscore
from indicators;

create temporary view alert_levels as
select *, 'warning' as severity, if(abs(zscore) >= 4, 1, 0) as is_reached from alert_scores
union all
select *, 'critical' as severity, if(abs(zscore) >= 6, 1, 0) as is_reached from alert_scores;

create temporary view alerts as
select *
from (
  select *, sum(is_reached) over (
    partition by symbol, session_date, rule, severity
    order by window_time rows between 10 preceding and current row
  ) as reached
  from alert_levels
)
where is_reached = 1 and reached = 1;
