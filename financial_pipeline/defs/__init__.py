"""The asset graph. Only this package and the event storage import dagster."""
