"""Incidents: each is one problem, from its first sign until it is over.

However often it is seen, each sink gets two notices: one alert when it starts and one recovery
notice when it is over. A ledger file records the notices of every sink.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from financial_pipeline.alerts.sinks import Notice, Sink
from financial_pipeline.files import cached_json, locked, replace_json
from financial_pipeline.redaction import redact

Kind = Literal["failed run", "failed check", "sensor error", "overdue data"]
# Sink -> open incident -> the sentence that was sent.
Ledger = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Incident:
    """One problem: its kind, its job, check, sensor or table, and one sentence."""

    kind: Kind
    subject: str
    text: str

    @property
    def key(self) -> str:
        """Equal for every sign of the same incident."""
        return f"{self.kind}: {self.subject}"


def deliver(found: Sequence[Incident], sinks: Mapping[str, Sink], ledger: Path) -> list[Notice]:
    """Send new and finished incidents to every sink, and return the sent notices.

    A sink that cannot be reached gets its notices at the next call and does not hold up the
    others; its error is raised at the end.
    """
    current = {incident.key: redact(incident.text) for incident in found}
    sent: list[Notice] = []
    errors: list[Exception] = []
    with locked(ledger.with_suffix(".lock")):
        known: Ledger = cached_json(ledger) or {}
        for name, sink in sinks.items():
            try:
                for notice in _due(known.get(name, {}), current):
                    sink(notice)
                    sent.append(notice)
                    _note(known.setdefault(name, {}), notice)
                    replace_json(ledger, known)
            except OSError as error:
                errors.append(error)
    if errors:
        raise ExceptionGroup("An alert could not be sent and will be sent again.", errors)
    return sent


def _due(known: Mapping[str, str], current: Mapping[str, str]) -> list[Notice]:
    alerts = [Notice(key, text) for key, text in current.items() if key not in known]
    over = [Notice(key, text, is_over=True) for key, text in known.items() if key not in current]
    return [*alerts, *over]


def _note(known: dict[str, str], notice: Notice) -> None:
    if notice.is_over:
        del known[notice.incident]
    else:
        known[notice.incident] = notice.text
