"""Manners towards a provider of data: a budget, a cache, patience, and knowing when to stop.

Every request to a live source passes through one `Courtesy` per run. What it keeps or says never
holds a secret: addresses come without keys, and only accepted bodies are cached, without headers.
"""

import base64
import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

from financial_pipeline.errors import PipelineError

OK: Final = 200
TOO_MANY_REQUESTS: Final = 429
SERVER_ERROR: Final = 500
# A provider that failed this often in a row is left alone for a while.
FAILURES_TO_OPEN: Final = 3
OPEN_SECONDS: Final = 300.0
# Tries of one request; waits double from the first one unless the provider says how long.
TRIES: Final = 3
FIRST_WAIT_SECONDS: Final = 2.0
# Whoever asks for more patience than this is asked again by a later run.
LONGEST_WAIT_SECONDS: Final = 120.0


class ProviderFailure(PipelineError):
    """A provider that gave no data: `provider`, a short `reason`, and a sentence that tells it.

    Reasons: unreachable, throttled, server_error, budget_spent, circuit_open, html_page,
    empty_answer, changed_layout, volume_without_prices, refused, wrong_period, no_file.
    """

    def __init__(self, provider: str, reason: str, detail: str) -> None:
        super().__init__(f"{provider}: {detail} ({reason}).")
        self.provider, self.reason, self.detail = provider, reason, detail


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


# Why an answer with status 200 is no data: a reason and its detail, or None where it is sound.
Judge = Callable[[Answer], tuple[str, str] | None]


@dataclass
class Courtesy:
    """What one run may ask of live sources; `cache` is the folder of earlier answers."""

    cache: Path
    budget: int
    cache_seconds: float
    # Least distance of two requests.
    pause_seconds: float = 0.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time
    spent: int = 0
    _failures: dict[str, int] = field(default_factory=dict)
    _open_until: dict[str, float] = field(default_factory=dict)

    def ask(self, provider: str, address: str, send: Callable[[], Answer], judge: Judge) -> Answer:
        """The answer to one request, from the cache while it is fresh.

        `address` names the request without secrets; `send` makes it and may raise OSError. Statuses
        other than 429 and 5xx are returned. Raises ProviderFailure.
        """
        if (kept := self._cached(provider, address)) is not None:
            return kept
        wait = FIRST_WAIT_SECONDS
        for attempt in range(1, TRIES + 1):
            self.spend(provider)
            found, patience = self._try(provider, send, judge)
            if isinstance(found, Answer):
                self._failures[provider] = 0
                if found.status == OK:
                    self._keep(provider, address, found)
                return found
            failure = found
            seconds = wait if patience is None else patience
            if patience is None and failure.reason not in ("throttled", "server_error"):
                break
            if attempt == TRIES or seconds > LONGEST_WAIT_SECONDS:
                break
            self.sleep(seconds)
            wait *= 2
        self._count_failure(provider)
        raise failure

    def spend(self, provider: str) -> None:
        """Take one request out of the budget; raises ProviderFailure where none is left."""
        if self.clock() < self._open_until.get(provider, 0.0):
            raise ProviderFailure(
                provider, "circuit_open", "left alone for a while after repeated failures"
            )
        if self.spent >= self.budget:
            raise ProviderFailure(
                provider,
                "budget_spent",
                f"the request budget of {self.budget} per run is spent; raise"
                " FINANCIAL_PIPELINE_REQUEST_BUDGET or ask for less",
            )
        if self.spent and self.pause_seconds:
            self.sleep(self.pause_seconds)
        self.spent += 1

    def _try(
        self, provider: str, send: Callable[[], Answer], judge: Judge
    ) -> tuple["Answer | ProviderFailure", float | None]:
        """An answer, or a failure and the seconds that the provider asks to wait, if it says so."""
        try:
            answer = send()
        except OSError as error:
            detail = f"cannot be reached ({type(error).__name__}); check the network connection"
            return ProviderFailure(provider, "unreachable", detail), None
        patience = self._retry_after(answer)
        if answer.status == TOO_MANY_REQUESTS:
            asks = "" if patience is None else f" and asks to wait {patience:.0f} s"
            detail = f"answered too many requests{asks}; try again later"
            return ProviderFailure(provider, "throttled", detail), patience
        if answer.status >= SERVER_ERROR:
            detail = f"answered with status {answer.status}; try again later"
            return ProviderFailure(provider, "server_error", detail), patience
        fault = judge(answer) if answer.status == OK else None
        return (answer if fault is None else ProviderFailure(provider, *fault)), None

    def _retry_after(self, answer: Answer) -> float | None:
        """Seconds of a Retry-After header, which holds a number or a date."""
        text = answer.headers.get("retry-after", "").strip()
        if text.isdigit():
            return float(text)
        try:
            return max(0.0, parsedate_to_datetime(text).timestamp() - self.clock())
        except (TypeError, ValueError):
            return None

    def _count_failure(self, provider: str) -> None:
        self._failures[provider] = self._failures.get(provider, 0) + 1
        if self._failures[provider] >= FAILURES_TO_OPEN:
            self._open_until[provider] = self.clock() + OPEN_SECONDS

    def _place(self, provider: str, address: str) -> Path:
        return self.cache / f"{hashlib.sha256(f'{provider} {address}'.encode()).hexdigest()}.json"

    def _cached(self, provider: str, address: str) -> Answer | None:
        try:
            kept = json.loads(self._place(provider, address).read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        if not 0 <= self.clock() - kept["stored_at"] < self.cache_seconds:
            return None
        return Answer(OK, {}, base64.b64decode(kept["body"]))

    def _keep(self, provider: str, address: str, answer: Answer) -> None:
        self.cache.mkdir(parents=True, exist_ok=True)
        row = {
            "provider": provider,
            "address": address,
            "stored_at": self.clock(),
            "body": base64.b64encode(answer.body).decode(),
        }
        place = self._place(provider, address)
        temporary = place.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps(row), "utf-8")
        os.utime(temporary, (self.clock(), self.clock()))
        os.replace(temporary, place)
        self._drop_expired()

    def _drop_expired(self) -> None:
        for path in self.cache.glob("*.json"):
            if self.clock() - path.stat().st_mtime > max(self.cache_seconds, OPEN_SECONDS):
                path.unlink(missing_ok=True)


def web_page(body: bytes) -> bool:
    """Whether a body is a page of HTML: what a challenge or an error looks like with status 200."""
    start = body.lstrip()[:200].lower()
    return start.startswith((b"<!doctype html", b"<html")) or b"<html" in start
