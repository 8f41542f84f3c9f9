"""A stream of unpacked bytes that refuses archive bombs and endless lines."""

from io import RawIOBase
from pathlib import Path
from typing import IO, Any, Final

from financial_pipeline.errors import PipelineError

# Bytes that any file may unpack to, and the ratio above that: CSV packs to a twentieth at best.
ALWAYS_UNPACKED: Final = 1 << 28
MOST_RATIO: Final = 50
# The longest line of real files has a few kilobytes, an answer of FRED on one line megabytes.
LONGEST_LINE: Final = 1 << 26


class Bounded(RawIOBase):
    """Unpacked bytes that end in a PipelineError if they are a bomb or one endless line."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream, self._path = stream, path
        self._most = max(ALWAYS_UNPACKED, MOST_RATIO * path.stat().st_size)
        self._total = self._line = 0

    def readable(self) -> bool:
        """Return True: the stream is for reading."""
        return True

    def close(self) -> None:
        """Close the stream below too."""
        self._stream.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; raise PipelineError beyond the bounds."""
        data = self._stream.read(len(buffer))
        size = len(data)
        buffer[:size] = data
        self._total += size
        end = max(data.rfind(b"\n"), data.rfind(b"\r"))
        self._line = size - end - 1 if end >= 0 else self._line + size
        if self._total > self._most:
            raise PipelineError(
                f"{self._path} unpacks to more than {MOST_RATIO} times its size, as no data file"
                " does; if it is one, unpack it first."
            )
        if self._line > LONGEST_LINE:
            raise PipelineError(
                f"{self._path} has a line of more than {LONGEST_LINE >> 20} MiB; it is no data"
                " file, or its line ends are lost: export it again."
            )
        return size
