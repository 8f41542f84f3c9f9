"""The local Kafka and Flink: processes, ports, jars and their state."""
