select
    session_date,
    symbol,
    close * volume as dollar_volume_usd
from fct_daily_prices
where in_window(session_date)
