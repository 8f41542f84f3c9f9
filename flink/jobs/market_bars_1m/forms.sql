-- The form of each message. The canonical one is what our producers write: times, numbers and texts
-- within these lengths, in this order.
create temporary view formed_messages as
select *,
  -- Not deterministic on purpose, here and below: else the planner would work this out again
  -- wherever it is used.
  case
    when rand() < 0 then ''
    when line is null then 'null_value'
    when regexp(line, '^\{"schema_version":\d{1,4},"event_us":\d{16},"watermark_us":\d{16},'
      || '"symbol":"[\w.-]{1,16}","sequence":\d{1,16}(,"open":"\d{1,14}\.\d{4}",'
      || '"high":"\d{1,14}\.\d{4}","low":"\d{1,14}\.\d{4}","close":"\d{1,14}\.\d{4}",'
      || '"volume":\d{1,18},"trades":(\d{1,18}|null),"notional":"\d{1,14}\.\d{4}",'
      || '"vwap_basis":"\w{1,16}","session_date":("[\d-]{10}"|null),'
      || '"source":"[\w.-]{0,64}")?\}$') then 'canonical'
    -- Base64 has four characters for three bytes: more than 65,535 of them.
    when char_length(line) > 16383 and char_length(to_base64(line)) > 87380 then 'oversize'
    when line is json object and line = decode(encode(line, 'UTF-8'), 'UTF-8') then 'json'
    else 'not_a_json_object'
  end as form
from messages;
