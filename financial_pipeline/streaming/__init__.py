"""Topics, messages, producers, consumers and the local Kafka and Flink runtime."""
