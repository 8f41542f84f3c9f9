"""The one error that people are meant to read: what is wrong, where, and what to do."""


class PipelineError(Exception):
    """A fault in the input or the setup, told in one sentence; the command prints it and exits 1."""
