"""From the topics to the tables: exact offset ranges, the ledger, `stream/*` and parity."""
