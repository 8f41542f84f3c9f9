"""The `financial-pipeline` command: one module per command group."""
