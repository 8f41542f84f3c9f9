-- Once for each view that the job writes: its topic, which takes the columns of the contract
-- (`financial_pipeline/schemas/stream.py`) by name. Every row has a key, so that at-least-once with
-- keyed rows is as good as exactly-once; `delivery` chooses.
create table ${view}_topic (${columns}) with (
  'connector' = 'kafka',
  'topic' = '${topic}',
  'key.format' = 'json',
  'key.fields' = '${key}',
  'value.format' = 'json',
  'value.json.encode.decimal-as-plain-number' = 'true',
  'sink.delivery-guarantee' = '${delivery}',
  'sink.transactional-id-prefix' = '${job}-${view}',
  ${sink_options}
);
