{{ config(tags=['prices']) }}

with listings as (

    select * from {{ ref('securities') }}

),

prices as (

    select distinct symbol from {{ ref('stg_market__bank_prices') }}

),

-- The time before a symbol's first dated record is one version; so is an unlisted symbol.
undated as (

    select
        symbol,
        cast(null as varchar) as ticker,
        cast(null as varchar) as security_name,
        cast(null as varchar) as exchange,
        cast(null as varchar) as sector,
        date '1900-01-01' as valid_from,
        cast(null as varchar) as record_source
    from prices
    union
    select
        symbol,
        null,
        null,
        null,
        null,
        date '1900-01-01',
        null
    from listings

),

versions as (

    select * from undated
    union all
    select * from listings

)

select
    {{ surrogate_key(['symbol', 'valid_from']) }} as security_key,
    symbol,
    ticker,
    security_name,
    exchange,
    sector,
    valid_from,
    lead(valid_from, 1, date '9999-12-31') over (
        partition by symbol order by valid_from
    ) as valid_to,
    record_source
from versions
union all
select
    -1,
    'unknown',
    null,
    'Unknown',
    null,
    null,
    date '1900-01-01',
    date '9999-12-31',
    null
