"""From archived raw files to typed partitions: what is read, quarantined and accounted for."""
