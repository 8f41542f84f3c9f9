"""The errors that people are meant to read: what is wrong, where, and what to do."""


class PipelineError(Exception):
    """A fault in input or setup, told in one sentence; the command prints it and exits 1."""


class RefusedFile(PipelineError):
    """A raw file that breaks its contract; it stays archived and is left out until dropped again.

    `sha256` names the file.
    """

    def __init__(self, sha256: str, message: str) -> None:
        super().__init__(message)
        self.sha256 = sha256
