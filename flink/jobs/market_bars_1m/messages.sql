-- The fields of each message. A JSON object that is not in the canonical form is brought into it;
-- both are then split and typed in the same way.
create temporary view split_messages as
select *,
  split(case form when 'canonical' then line when 'json' then '{"schema_version":'
    || coalesce(regexp_extract(json_value(line, '$.schema_version'), '^\d{1,4}$', 0), '')
    || ',"event_us":'
    || coalesce(regexp_extract(json_value(line, '$.event_us'), '^\d{1,16}$', 0), '')
    || ',"watermark_us":'
    || coalesce(regexp_extract(json_value(line, '$.watermark_us'), '^\d{1,16}$', 0), '')
    || ',"symbol":"' || coalesce(regexp_extract(json_value(line, '$.symbol'), '^[^,]+$', 0), '')
    || '","sequence":' || coalesce(regexp_extract(json_value(line, '$.sequence'), '^\d{1,18}$', 0), '')
    || ',"open":"' || coalesce(json_value(line, '$.open'), '')
    || '","high":"' || coalesce(json_value(line, '$.high'), '')
    || '","low":"' || coalesce(json_value(line, '$.low'), '')
    || '","close":"' || coalesce(json_value(line, '$.close'), '')
    || '","volume":' || coalesce(regexp_extract(json_value(line, '$.volume'), '^-?\d{1,18}$', 0), '')
    || ',"trades":' || coalesce(regexp_extract(json_value(line, '$.trades'), '^-?\d{1,18}$', 0), '')
    || ',"notional":"' || coalesce(json_value(line, '$.notional'), '')
    || '","vwap_basis":"' || coalesce(json_value(line, '$.vwap_basis'), '')
    || '","session_date":"' || coalesce(json_value(line, '$.session_date'), '')
    || '","source":"' || coalesce(json_value(line, '$.source'), '') || '"}'
  end, if(rand() >= 0, ',', '')) as parts
from formed_messages;

create temporary view typed_messages as
select
  line, source_partition, source_offset, record_at, event_at, form,
  try_cast(substring(parts[1], 19) as bigint) as schema_version,
  try_cast(if(rand() >= 0, substring(parts[2], 12), '') as bigint) as event_us,
  try_cast(substring(parts[3], 16) as bigint) as watermark_us,
  substring(parts[4], 11, char_length(parts[4]) - 11) as symbol,
  try_cast(replace(substring(parts[5], 12), '}', '') as bigint) as `sequence`,
  try_cast(substring(parts[6], 9, char_length(parts[6]) - 9) as decimal(18, 4)) as `open`,
  try_cast(substring(parts[7], 9, char_length(parts[7]) - 9) as decimal(18, 4)) as high,
  try_cast(substring(parts[8], 8, char_length(parts[8]) - 8) as decimal(18, 4)) as low,
  try_cast(substring(parts[9], 10, char_length(parts[9]) - 10) as decimal(18, 4)) as `close`,
  try_cast(substring(parts[10], 10) as bigint) as volume,
  try_cast(nullif(substring(parts[11], 10), 'null') as bigint) as trades,
  try_cast(substring(parts[12], 13, char_length(parts[12]) - 13) as decimal(18, 4)) as notional,
  substring(parts[13], 15, char_length(parts[13]) - 15) as vwap_basis,
  try_cast(substring(parts[14], 17, 10) as date) as session_date,
  substring(parts[15], 11, char_length(parts[15]) - 12) as source
from split_messages;
