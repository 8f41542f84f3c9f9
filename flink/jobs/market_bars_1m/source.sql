-- The raw topic, one row per message: its bytes, what `flink/java/Judge.java` makes of them, and the
-- times that order it. A message is read once, however often the function is called.
create temporary function judge as 'Judge';
create table messages (
  line bytes,
  source_partition int metadata from 'partition' virtual,
  source_offset bigint metadata from 'offset' virtual,
  record_at timestamp_ltz(3) metadata from 'timestamp' virtual,
  message as judge(line, record_at),
  event_at as to_timestamp_ltz(judge(line, record_at).event_us / 1000, 3),
  -- The producer's own watermark decides. A window closes when the watermark reaches its end, which
  -- Flink takes to be its last millisecond.
  watermark for event_at as to_timestamp_ltz(judge(line, record_at).watermark_ms - 1, 3)
) with (
  'connector' = 'kafka',
  'topic' = '${raw_topic}',
  'properties.group.id' = '${job}',
  'scan.startup.mode' = 'earliest-offset',
  'scan.topic-partition-discovery.interval' = '0 s',
  'format' = 'raw',
  ${source_options}
);
