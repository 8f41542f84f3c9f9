-- Indicators of each bar within its session. Returns and log volumes are rounded to whole units of
-- 1e-12 and summed as integers: exact in any order, and without a rest where prices stand still.
create temporary view bar_changes as
select *,
  cast(round(ln(cast(`close` as double) / cast(previous_close as double)) * 1e12) as decimal(19, 0))
    as gain,
  cast(case when volume > 0 then round(ln(cast(volume as double)) * 1e12) end as decimal(19, 0))
    as size
from (
  select *,
    lag(`close`) over (partition by symbol, session_date order by window_time) as previous_close
  from bars where `close` is not null
);

-- The 60 bars before the current one: a window of a stream ends at the current row, which is taken
-- off again.
create temporary view bar_history as
select *,
  count(gain) over w - 1 as n_gain, sum(gain) over w - gain as s_gain,
  sum(gain * gain) over w - gain * gain as q_gain,
  count(size) over w - 1 as n_size, sum(size) over w - size as s_size,
  sum(size * size) over w - size * size as q_size
from bar_changes
window w as (
  partition by symbol, session_date order by window_time rows between 60 preceding and current row
);

-- The last 60 bars with the current one.
create temporary view bar_last as
select *, count(gain) over w as n_last, sum(gain) over w as s_last, sum(gain * gain) over w as q_last
from bar_history
window w as (
  partition by symbol, session_date order by window_time rows between 59 preceding and current row
);

create temporary view indicators as
select *,
  cast(gain as double) / 1e12 as log_return,
  case when n_last = 60
    then sqrt(cast(60 * q_last - s_last * s_last as double) / 3540) / 1e12 end
    as rolling_volatility,
  case when n_gain = 60 and 60 * q_gain > s_gain * s_gain
    then (cast(gain as double) - cast(s_gain as double) / 60)
      / sqrt(cast(60 * q_gain - s_gain * s_gain as double) / 3540) end as return_zscore,
  case when n_size = 60 and 60 * q_size > s_size * s_size
    then (cast(size as double) - cast(s_size as double) / 60)
      / sqrt(cast(60 * q_size - s_size * s_size as double) / 3540) end as volume_zscore,
  cast(sum(gain * gain) over (
    partition by symbol, session_date order by window_time
    rows between unbounded preceding and current row
  ) as double) / 1e24 as realised_variance
from bar_last;
