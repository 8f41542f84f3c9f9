-- The raw topic, one row per message: its bytes, and the times that order it. The functions are in
-- `flink/java/Judge.java`; all of them share one reading of a message.
create temporary function judge as 'Judge';
create temporary function event_time as 'Judge$EventTime';
create temporary function message_watermark as 'Judge$Watermark';
create table messages (
  line bytes,
  source_partition int metadata from 'partition' virtual,
  source_offset bigint metadata from 'offset' virtual,
  record_at timestamp_ltz(3) metadata from 'timestamp' virtual,
  event_at as event_time(line, record_at),
  -- The producer's own watermark decides. A window closes when the watermark reaches its end, which
  -- Flink takes to be its last millisecond.
  watermark for event_at as message_watermark(line, record_at) - interval '0.001' second
) with (
  'connector' = 'kafka',
  'topic' = '${raw_topic}',
  'properties.group.id' = '${group}',
  'scan.startup.mode' = 'earliest-offset',
  'scan.topic-partition-discovery.interval' = '0 s',
  'format' = 'raw',
  ${source_options}
);
