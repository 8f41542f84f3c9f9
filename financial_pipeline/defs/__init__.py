"""The asset graph. The only package, beside the event storage, that imports dagster."""
