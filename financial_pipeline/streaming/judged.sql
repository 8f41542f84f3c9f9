-- Every message of `messages` with its typed columns and its verdict:
-- aggregated, heartbeat, late, or dead with the first reason that holds.
create or replace temp table judged as
with texts as (

    select *, try(decode(value)) as body from messages

),

objects as (

    select
        *,
        coalesce(try(json_type(body)) = 'OBJECT', false) as is_object
    from texts

),

parsed as (

    select
        * exclude (body),
        case when is_object then try(from_json(body, $shape)) end as fields
    from objects

),

typed as (

    select
        kafka_partition,
        kafka_offset,
        record_ms,
        value,
        is_object,
        fields.symbol as symbol,
        fields.vwap_basis as vwap_basis,
        fields.source as source,
        try_cast(fields.open as decimal(18, 4)) as open,
        try_cast(fields.high as decimal(18, 4)) as high,
        try_cast(fields.low as decimal(18, 4)) as low,
        try_cast(fields.close as decimal(18, 4)) as close,
        try_cast(fields.notional as decimal(18, 4)) as notional,
        case
            when regexp_full_match(fields.session_date, '[0-9]{4}-[0-9]{2}-[0-9]{2}')
                and fields.session_date >= '0001-01-01' then try_cast(fields.session_date as date)
        end as session_date,
        cast(nullif(regexp_extract(fields.schema_version, '^[0-9]{1,4}$'), '') as bigint)
            as schema_version,
        cast(nullif(regexp_extract(fields.event_us, '^[0-9]{1,16}$'), '') as bigint) as event_us,
        cast(nullif(regexp_extract(fields.watermark_us, '^[0-9]{1,16}$'), '') as bigint)
            as watermark_us,
        cast(nullif(regexp_extract(fields.sequence, '^[0-9]{1,16}$'), '') as bigint) as sequence,
        cast(nullif(regexp_extract(fields.volume, '^-?[0-9]{1,18}$'), '') as bigint) as volume,
        cast(nullif(regexp_extract(fields.trades, '^-?[0-9]{1,18}$'), '') as bigint) as trades
    from parsed

),

reasons as (

    select
        *,
        case
            when value is null then 'null_value'
            when octet_length(value) > $oversize then 'oversize'
            when not is_object then 'not_a_json_object'
            when schema_version is distinct from 1 then 'wrong_version'
            when not coalesce(
                symbol = $heartbeat
                or (length(symbol) <= $symbol_length and symbol ~ '[A-Z][^,]*'), false
            ) then 'bad_symbol'
            when event_us is null or watermark_us is null or sequence is null then 'bad_time'
            when greatest(event_us, watermark_us) // 1000 > record_ms + $future_ms
                then 'from_the_future'
            when symbol = $heartbeat then null
            when open is null or high is null or low is null or close is null
                or least(open, high, low, close) <= 0 then 'bad_price'
            when volume is null or not volume between 0 and $largest
                or coalesce(trades, 0) < 0
                or notional is null or notional < 0
                or coalesce(vwap_basis, '') not in ('trades', 'close') then 'bad_quantity'
            when session_date is null then 'no_session'
        end as reason
    from typed

)

select
    * exclude (is_object),
    case
        when coalesce(octet_length(value), 0) <= $oversize
            and watermark_us // 1000 <= record_ms + $future_ms then watermark_us
    end as says_us,
    case
        when reason is not null then 'dead_letter'
        when symbol = $heartbeat then 'heartbeat'
        when event_us // 1000 < watermark_us // 1000 then 'late'
        else 'aggregated'
    end as verdict,
    (event_us // 1000) // ($bar_seconds * 1000) * ($bar_seconds * 1000000) as window_start_us
from reasons
