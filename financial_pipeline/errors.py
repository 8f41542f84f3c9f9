"""The errors that people are meant to read: what is wrong, where, and what to do."""

import re
from pathlib import Path
from typing import Final

# Everything that moves the cursor of a terminal, but for tabs and line ends.
CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


class PipelineError(Exception):
    """A fault in input or setup, stated in one sentence; the command prints it and exits 1.

    Control characters that a name of the input contains are blanks in it.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(CONTROLS.sub(" ", message))


class RefusedFile(PipelineError):
    """A raw file that breaks its contract; it stays archived and is left out until dropped again.

    `sha256` names the file.
    """

    def __init__(self, sha256: str, message: str) -> None:
        super().__init__(message)
        self.sha256 = sha256


class NoDropFolder(PipelineError):
    """The source `files` is used without a usable drop folder; None if none is given at all."""

    def __init__(self, folder: Path | None) -> None:
        if folder is None:
            text = (
                "The source `files` needs a drop folder; pass --landing DIR or set"
                " FINANCIAL_PIPELINE_LANDING."
            )
        elif not folder.is_dir():
            text = (
                f"The drop folder {folder} does not exist; pass the folder that contains your files"
                " with --landing DIR."
            )
        else:
            text = (
                f"The drop folder {folder} contains no data file; put loan, price or macro files"
                " there (docs/real_files.md)."
            )
        super().__init__(text)
