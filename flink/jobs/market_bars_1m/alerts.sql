-- At most one alert per bar: the worst severity that its return or its volume reaches and did not
-- reach in the ten bars before; of equal ones the return's. Levels: 0 none, 1 warning, 2 critical.
create temporary view alert_levels as
select *,
  case when abs(return_zscore) >= 6 then 2 when abs(return_zscore) >= 4 then 1 else 0 end
    as return_level,
  case when abs(volume_zscore) >= 6 then 2 when abs(volume_zscore) >= 4 then 1 else 0 end
    as volume_level
from indicators;

create temporary view last_levels as
select *, lag(return_level) over w as last_return, lag(volume_level) over w as last_volume
from alert_levels
window w as (partition by symbol, session_date order by window_time);

create temporary view new_levels as
select *,
  if(return_level > coalesce(max(last_return) over w, 0), return_level, 0) as new_return,
  if(volume_level > coalesce(max(last_volume) over w, 0), volume_level, 0) as new_volume
from last_levels
window w as (
  partition by symbol, session_date order by window_time rows between 9 preceding and current row
);

create temporary view alerts as
select *,
  md5(concat_ws('|', symbol, cast(window_start_us as string), '${bar_seconds}')) as alert_id,
  if(new_return >= new_volume, 'return_zscore', 'volume_zscore') as rule,
  if(greatest(new_return, new_volume) = 2, 'critical', 'warning') as severity,
  if(new_return >= new_volume, return_zscore, volume_zscore) as zscore
from new_levels
where greatest(new_return, new_volume) > 0;
