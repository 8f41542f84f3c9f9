-- The raw topic, one row per message: its text, and the times that order it. What our producers
-- write starts with the two times; anything else is looked through as JSON.
create table messages (
  line string,
  source_partition int metadata from 'partition' virtual,
  source_offset bigint metadata from 'offset' virtual,
  record_at timestamp_ltz(3) metadata from 'timestamp' virtual,
  event_at as to_timestamp_ltz(try_cast(case
    when regexp(line, '^\{"schema_version":1,"event_us":\d{16},"watermark_us":\d{16},"symbol"')
    then regexp_substr(line, '\d{16}')
    when char_length(line) <= 65535
    then regexp_extract(json_value(line, '$.event_us'), '^[0-9]{1,16}$', 0)
  end as bigint) / 1000, 3),
  watermark_at as to_timestamp_ltz(try_cast(case
    when regexp(line, '^\{"schema_version":1,"event_us":\d{16},"watermark_us":\d{16},"symbol"')
    then regexp_substr(line, '(?<="watermark_us":)\d{16}')
    when char_length(line) <= 65535
    then regexp_extract(json_value(line, '$.watermark_us'), '^[0-9]{1,16}$', 0)
  end as bigint) / 1000, 3),
  -- The producer's own watermark decides, and one from the future moves nothing. A window closes
  -- when the watermark reaches its end, which Flink takes to be its last millisecond.
  watermark for event_at as case
    when watermark_at <= record_at + interval '60' second
    then watermark_at - interval '0.001' second
  end
) with (
  'connector' = 'kafka',
  'topic' = '${raw_topic}',
  'properties.group.id' = '${group}',
  'scan.startup.mode' = 'earliest-offset',
  'scan.topic-partition-discovery.interval' = '0 s',
  'format' = 'raw',
  ${source_options}
);
