"""From archived raw files to typed partitions: reading, quarantine and accounting."""
