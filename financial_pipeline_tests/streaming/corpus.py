"""Messages with the verdict that every engine must reach, from `messages.jsonl`.

A line changes one `field` of a sound message to the text in `json`, or puts text before it
(`prepend`), after its first brace (`insert`) or behind it (`append`); or it gives all `bytes`, one
character each. `«x*60»` stands for 60 times x. `verdict` is aggregated, heartbeat,
behind_its_producer or a reason of dead letters.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("messages.jsonl")
REPEATED = re.compile("«(.)\\*([0-9]+)»", re.DOTALL)
RECORD_MS = 1_553_002_200_000
SOUND = {
    "schema_version": "1",
    "event_us": "1553002200000000",
    "watermark_us": "1553002195000000",
    "symbol": '"JPM"',
    "sequence": "1",
    "open": '"100.0000"',
    "high": '"100.0000"',
    "low": '"100.0000"',
    "close": '"100.0000"',
    "volume": "100",
    "trades": "1",
    "notional": '"10000.0000"',
    "vwap_basis": '"trades"',
    "session_date": '"2019-03-19"',
    "source": '"simulated"',
}


@dataclass(frozen=True)
class Example:
    """One line of the corpus; `typed` are fields that the verdict must contain, as text.

    `json` is the text that replaces a field, if the line does that.
    """

    name: str
    value: bytes | None
    verdict: str
    typed: dict[str, Any]
    json: str | None = None


def message(fields: dict[str, str]) -> str:
    """The JSON text of fields whose values are JSON already."""
    return "{" + ",".join(f'"{name}":{value}' for name, value in fields.items()) + "}"


def _value(row: dict[str, Any]) -> bytes | None:
    if "bytes" in row:
        return None if row["bytes"] is None else row["bytes"].encode("latin-1")
    if "field" in row:
        return message(SOUND | {row["field"]: row["json"]}).encode()
    text = message(SOUND)
    text = row.get("prepend", "") + text[0] + row.get("insert", "") + text[1:]
    return (text + row.get("append", "")).encode()


def _whole(found: Any) -> Any:
    """A part of a line with its repetitions written out."""
    if isinstance(found, dict):
        return {name: _whole(value) for name, value in found.items()}
    if not isinstance(found, str):
        return found
    return REPEATED.sub(lambda match: match[1] * int(match[2]), found)


def read() -> list[Example]:
    """All examples."""
    rows = [_whole(json.loads(line)) for line in FILE.read_text("utf-8").splitlines()]
    return [
        Example(
            row.get("case") or f"{row['field']} {row['json'][:40]}",
            _value(row),
            row["verdict"],
            row.get("typed", {}),
            row.get("json"),
        )
        for row in rows
    ]
