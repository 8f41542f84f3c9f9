"""Macro releases as messages: their bytes, what a topic holds of them, and the producer.

There is no time in a release but its vintage, so nothing is late and nobody needs a heartbeat.
"""

import json
import re
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime
from typing import Any, Final

from financial_pipeline.schemas.macro_release import MacroRelease
from financial_pipeline.schemas.stream import SCHEMA_VERSION
from financial_pipeline.streaming.clients import Sink
from financial_pipeline.streaming.messages import partition_of
from financial_pipeline.streaming.reading import messages

SERIES_ID: Final = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
SOURCES: Final = ("fred", "alfred", "simulated")


def encode(release: MacroRelease) -> bytes:
    """The JSON bytes of a release."""
    content = {"schema_version": SCHEMA_VERSION, **release._asdict()}
    return json.dumps(content, separators=(",", ":")).encode()


def decode(value: bytes | None) -> MacroRelease | None:
    """The release in the bytes of a message, or None where they break the contract."""
    try:
        content = json.loads(value or b"")
        release = MacroRelease(**{name: content[name] for name in MacroRelease._fields})
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return release if content["schema_version"] == SCHEMA_VERSION and _is_sound(release) else None


def _is_sound(release: MacroRelease) -> bool:
    days = (release.observation_date, release.realtime_start)
    ends = () if release.realtime_end is None else (release.realtime_end,)
    return (
        isinstance(release.series_id, str)
        and bool(SERIES_ID.fullmatch(release.series_id))
        and all(_is_day(day) for day in (*days, *ends))
        and isinstance(release.value, str | None)
        and (release.value or "").isascii()
        and release.source in SOURCES
    )


def _is_day(text: Any) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except (TypeError, ValueError):
        return False


def held(topic: str, client: dict[str, Any]) -> set[MacroRelease]:
    """The releases that a topic holds; `client` is a confluent-kafka configuration."""
    found = (decode(message.value()) for message in messages(topic, client))
    return {release for release in found if release is not None}


def send(
    sink: Sink, releases: Iterable[MacroRelease], there: Collection[MacroRelease] = ()
) -> tuple[int, int]:
    """Send releases in the order of their publication; those that are `there` are not sent again.

    Returns the number sent and the number that was there.
    """
    ordered = sorted(releases, key=lambda one: (one.realtime_start, one[:2]))
    fresh = [release for release in ordered if release not in there]
    for release in fresh:
        key = release.series_id.encode()
        sink.send(partition_of(key, sink.partitions), _record_ms(release), key, encode(release))
    sink.flush()
    return len(fresh), len(ordered) - len(fresh)


def _record_ms(release: MacroRelease) -> int:
    """Midnight UTC of the publication; Kafka knows no time before 1970."""
    day = datetime.fromisoformat(release.realtime_start).replace(tzinfo=UTC)
    return max(0, int(day.timestamp() * 1000))
