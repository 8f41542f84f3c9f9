"""Macro releases as messages: their bytes, their reader, and the producer.

A release has no time other than its vintage, so nothing is late and no heartbeat is needed.
"""

import json
import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any, Final

from financial_pipeline.schemas.macro_release import MacroRelease
from financial_pipeline.schemas.stream import MACRO_TOPIC, SCHEMA_VERSION
from financial_pipeline.streaming.clients import Sink
from financial_pipeline.streaming.messages import partition_of
from financial_pipeline.streaming.reading import messages
from financial_pipeline.streaming.topic_decoder import decode_row

SERIES_ID: Final = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
# A number as FRED writes it; staging checks whether it is plausible.
VALUE: Final = re.compile(r"-?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})")
SOURCES: Final = ("fred", "alfred", "simulated")


def encode(release: MacroRelease) -> bytes:
    """The JSON bytes of a release."""
    content = {"schema_version": SCHEMA_VERSION, **release._asdict()}
    return json.dumps(content, separators=(",", ":")).encode()


def decode(value: bytes | None) -> MacroRelease | None:
    """The release in the bytes of a message, or None where they break the contract."""
    content, _ = decode_row(MACRO_TOPIC, value)
    if content is None or content["schema_version"] != SCHEMA_VERSION:
        return None
    fields: list[Any] = [content.get(name) for name in MacroRelease._fields]
    release = MacroRelease(*fields)
    return release if _is_sound(release) else None


def _is_sound(release: MacroRelease) -> bool:
    """Whether a release of the right types names a series and a source, and has a plain value."""
    return (
        bool(SERIES_ID.fullmatch(release.series_id))
        and (release.value is None or bool(VALUE.fullmatch(release.value)))
        and release.source in SOURCES
    )


def read_held(topic: str, client: dict[str, Any]) -> set[MacroRelease]:
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
