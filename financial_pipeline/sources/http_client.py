"""The HTTP client of live sources: a request budget, a cache, retries and a circuit breaker.

Every request to a live source passes through one `HttpClient` per run. Its cache and its messages
never contain a secret: addresses come without keys, and only accepted bodies are cached.
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
from financial_pipeline.files import replace_file

OK: Final = 200
TOO_MANY_REQUESTS: Final = 429
SERVER_ERROR: Final = 500
# After this many failures in a row a provider is not asked for OPEN_SECONDS.
FAILURES_TO_OPEN: Final = 3
OPEN_SECONDS: Final = 300.0
# Tries of one request; waits double unless the provider sends Retry-After.
TRIES: Final = 3
FIRST_WAIT_SECONDS: Final = 2.0
# A longer Retry-After ends the request; a later run retries.
LONGEST_WAIT_SECONDS: Final = 120.0


class ProviderFailure(PipelineError):
    """Failure of a provider: `provider`, a short `reason`, and `detail`, a sentence.

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


# Returns the reason and detail of an invalid answer with status 200, else None.
Validator = Callable[[Answer], tuple[str, str] | None]


@dataclass
class HttpClient:
    """Limits and cache of one run; `cache` is the folder of earlier answers."""

    cache: Path
    budget: int
    cache_seconds: float
    # Shortest pause between two requests.
    pause_seconds: float = 0.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time
    spent: int = 0
    _failures: dict[str, int] = field(default_factory=dict)
    _open_until: dict[str, float] = field(default_factory=dict)

    def request(
        self, provider: str, address: str, send: Callable[[], Answer], validate: Validator
    ) -> Answer:
        """Return the answer to one request, from the cache while it is fresh.

        `address` names the request without secrets; `send` makes it and may raise OSError. Statuses
        other than 429 and 5xx are returned. Raises ProviderFailure.
        """
        if (kept := self._read_cache(provider, address)) is not None:
            return kept
        wait = FIRST_WAIT_SECONDS
        for attempt in range(1, TRIES + 1):
            self.spend(provider)
            found, retry_after = self._try(provider, send, validate)
            if isinstance(found, Answer):
                self._failures[provider] = 0
                if found.status == OK:
                    self._keep(provider, address, found)
                return found
            failure = found
            seconds = wait if retry_after is None else retry_after
            if retry_after is None and failure.reason not in ("throttled", "server_error"):
                break
            if attempt == TRIES or seconds > LONGEST_WAIT_SECONDS:
                break
            self.sleep(seconds)
            wait *= 2
        self._count_failure(provider)
        raise failure

    def spend(self, provider: str) -> None:
        """Take one request out of the budget; raises ProviderFailure if none is left."""
        if self.clock() < self._open_until.get(provider, 0.0):
            raise ProviderFailure(
                provider, "circuit_open", "not asked for a while after repeated failures"
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
        self, provider: str, send: Callable[[], Answer], validate: Validator
    ) -> tuple["Answer | ProviderFailure", float | None]:
        """Return an answer, or a failure and the seconds of Retry-After, if it was sent."""
        try:
            answer = send()
        except OSError as error:
            detail = f"cannot be reached ({type(error).__name__}); check the network connection"
            return ProviderFailure(provider, "unreachable", detail), None
        retry_after = self._retry_after(answer)
        if answer.status == TOO_MANY_REQUESTS:
            asks = "" if retry_after is None else f" and asks to wait {retry_after:.0f} s"
            detail = f"answered too many requests{asks}; try again later"
            return ProviderFailure(provider, "throttled", detail), retry_after
        if answer.status >= SERVER_ERROR:
            detail = f"answered with status {answer.status}; try again later"
            return ProviderFailure(provider, "server_error", detail), retry_after
        fault = validate(answer) if answer.status == OK else None
        return (answer if fault is None else ProviderFailure(provider, *fault)), None

    def _retry_after(self, answer: Answer) -> float | None:
        """Return the seconds of a Retry-After header, which is a number or a date."""
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

    def _read_cache(self, provider: str, address: str) -> Answer | None:
        try:
            kept = json.loads(self._place(provider, address).read_text("utf-8"))
            if not 0 <= self.clock() - kept["stored_at"] < self.cache_seconds:
                return None
            return Answer(OK, {}, base64.b64decode(kept["body"]))
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None

    def _keep(self, provider: str, address: str, answer: Answer) -> None:
        row = {
            "provider": provider,
            "address": address,
            "stored_at": self.clock(),
            "body": base64.b64encode(answer.body).decode(),
        }
        place = self._place(provider, address)
        replace_file(place, json.dumps(row), durable=False)
        os.utime(place, (self.clock(), self.clock()))
        self._drop_expired()

    def _drop_expired(self) -> None:
        for path in self.cache.glob("*.json"):
            if self.clock() - path.stat().st_mtime > max(self.cache_seconds, OPEN_SECONDS):
                path.unlink(missing_ok=True)


def web_page(body: bytes) -> bool:
    """Return whether a body is an HTML page, such as a challenge or an error with status 200."""
    start = body.lstrip()[:200].lower()
    return start.startswith((b"<!doctype html", b"<html")) or b"<html" in start
