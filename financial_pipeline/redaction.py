"""Removal of secrets from text that is about to be written or sent.

A secret is the value of a variable with a name such as `*_TOKEN`, in the environment or in
`.env`. The event storage, alerts and the operations tables pass their texts through here. As a
program it copies the output of a step to a file.
"""

import json
import os
import re
import sys
from contextlib import suppress
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from dotenv import dotenv_values

SECRET_NAMES: Final = re.compile(
    r"(API_?KEY|ACCESS_KEY(_ID)?|SECRET|TOKEN|PASSWORD|PASSWD|WEBHOOK(_URL)?|POSTGRES_URL)$",
    re.IGNORECASE,
)
# Shorter values are words like "yes" that occur in ordinary text.
SHORTEST_SECRET: Final = 6
MASK: Final = "***"


def redact(text: str) -> str:
    """Mask every secret of this process's environment, plain or in a URL."""
    for secret in secrets():
        text = text.replace(secret, MASK)
    return text


def secrets() -> tuple[str, ...]:
    """Return every form of a secret in a text, longest first."""
    # Called for each event and each log record, so only the relevant values are read.
    return _secrets(tuple((name, os.environ[name]) for name in os.environ if _is_secret(name)))


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return SECRET_NAMES.search(name) is not None


@lru_cache(maxsize=4)
def _secrets(environment: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    in_file = {name: value for name, value in dotenv_values(".env").items() if _is_secret(name)}
    named = {**in_file, **dict(environment)}
    values = {value for value in named.values() if value and len(value) >= SHORTEST_SECRET}
    forms = values | {quote(value, safe="") for value in values}
    forms |= {json.dumps(value)[1:-1] for value in values}
    return tuple(sorted(forms, key=len, reverse=True))


def _pass_on(path: str, mark: str, finished: int) -> None:
    """Write standard input to a file and to standard output, line by line and redacted.

    After the line that ends with `mark` the descriptor `finished` is closed; the output of its
    children is passed on until the last of them ends.
    """
    end = mark.encode() + b"\n"
    with open(path, "ab", buffering=0) as file:
        for line in sys.stdin.buffer:
            text = line.removesuffix(end)
            clean = redact(text.decode(errors="surrogateescape")).encode(errors="surrogateescape")
            # A full disk must not end the step whose output this is.
            with suppress(OSError):
                file.write(clean)
            sys.stdout.buffer.write(clean)
            sys.stdout.buffer.flush()
            if text != line:
                os.close(finished)


if __name__ == "__main__":
    _pass_on(sys.argv[1], sys.argv[2], int(sys.argv[3]))
