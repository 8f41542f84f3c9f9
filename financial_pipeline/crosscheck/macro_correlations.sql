-- Pearson and Spearman at every lag, with Newey-West errors from lagged products of scores.
with cells as (
    select
        as_of_month, credit_series, macro_series, lag_months, month, release,
        macro_months.value as x,
        credit_months.value as y
    from credit_months
    inner join macro_months using (as_of_month, month)
    where credit_months.value is not null
),

both_methods as (
    select *, 'pearson' as method from cells
    union all
    select
        * replace (
            (rank() over (cell order by x) + count(*) over cell - rank() over (cell order by x desc) + 1) / 2 as x,
            (rank() over (cell order by y) + count(*) over cell - rank() over (cell order by y desc) + 1) / 2 as y
        ),
        'spearman' as method
    from cells
    window cell as (partition by as_of_month, credit_series, macro_series, lag_months)
),

scaled as (
    select
        *,
        row_number() over (cell order by month) as t,
        count(*) over cell as months,
        max(release) over cell as newest_release,
        (x - avg(x) over cell) / nullif(stddev_samp(x) over cell, 0) as zx,
        (y - avg(y) over cell) / nullif(stddev_samp(y) over cell, 0) as zy,
        corr(x, y) over cell as r
    from both_methods
    window cell as (partition by as_of_month, credit_series, macro_series, lag_months, method)
),

usable as (
    select
        *,
        zx * (zy - r * zx) as score,
        greatest(
            floor(4 * (months / 100) ** (2 / 9)),
            if(macro_series in ('unrate_change_12m', 'cpi_yoy'), 12, 0)
        ) as bandwidth
    from scaled
    where months >= 24 and r is not null and not isnan(r)
),

products as (
    select
        a.as_of_month, a.credit_series, a.macro_series, a.lag_months, a.method,
        any_value(a.r) as r,
        any_value(a.months) as n,
        sum(a.score * b.score * (1 - abs(a.t - b.t) / (a.bandwidth + 1))) as total
    from usable as a
    inner join usable as b
        on
            a.as_of_month = b.as_of_month
            and a.credit_series = b.credit_series
            and a.macro_series = b.macro_series
            and a.lag_months = b.lag_months
            and a.method = b.method
            and abs(a.t - b.t) <= a.bandwidth
    group by all
),

evidence as (
    select
        * exclude (total, n, r),
        r as correlation,
        sqrt(greatest(total, 0) / (n - 1) ** 2 * n / (n - 2)) as error,
        r - z_95() * error as hac_low,
        r + z_95() * error as hac_high,
        erfc(abs(r) / error / sqrt(2)) as hac_p_value
    from products
),

ranked as (
    select
        *,
        hac_p_value * count(*) over family / row_number() over (family order by hac_p_value) as scaled_p,
        row_number() over (family order by hac_p_value) as place
    from evidence
    window family as (partition by as_of_month, method)
),

tested as (
    select
        * exclude (error, scaled_p, place),
        least(1, min(scaled_p) over (
            partition by as_of_month, method order by place rows between current row and unbounded following
        )) as q_value
    from ranked
),

counted as (
    select
        as_of_month, credit_series, macro_series, lag_months, method,
        any_value(months) as months,
        any_value(newest_release) as newest_release
    from scaled
    group by all
),

grid as (
    select *
    from (select distinct as_of_month from credit_months)
    cross join (select unnest(['D1', 'D3_12', 'calendar_hazard', 'seasoning_adjusted_hazard']) as credit_series)
    cross join (select unnest([
        'unrate', 'unrate_change_12m', 'cpi_yoy', 'gdp_growth_saar', 'bank_index_return', 'bank_index_volatility'
    ]) as macro_series)
    cross join (select cast(unnest(range(-12, 13)) as integer) as lag_months)
    cross join (select unnest(['pearson', 'spearman']) as method)
)

select
    grid.*,
    coalesce(months, 0) as months,
    newest_release,
    tested.* exclude (as_of_month, credit_series, macro_series, lag_months, method),
    lag_months <= 0 as revised,
    macro_series = 'unrate' or lag_months <= 0 as is_descriptive,
    case
        when credit_series in ('D1', 'D3_12') and macro_series = 'unrate' and lag_months >= 0
            then 'Wrong sign by construction: loans made while unemployment is low default in the bad times that'
                || ' follow.'
    end as caution
from grid
left join counted using (as_of_month, credit_series, macro_series, lag_months, method)
left join tested using (as_of_month, credit_series, macro_series, lag_months, method)
