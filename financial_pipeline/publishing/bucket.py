"""Requests to S3 object storage: one place for all of them, and one sentence for each fault.

A bucket has no rename and no lock. What it has: an object is written whole or not at all, and a put
can have a condition, that the object is still the one with a known entity tag. All requests go
through `Bucket.ask`, so that tests can fail each of them.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import replacing, sha256
from financial_pipeline.settings import Settings

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Store

Answer = TypeVar("Answer")
Item = TypeVar("Item")
# Requests at once; each waits for the network most of its time.
REQUESTS: Final = 8
# Metadata of every object: the SHA-256 of its content, which a download is compared with.
DIGEST: Final = "sha256"
RETRIES: Final = 3
PATIENCE: Final = timedelta(seconds=30)
# The longest request is the download of a raw file of gigabytes.
TIMEOUT: Final = "10m"


class Unreachable(PipelineError):
    """A request that the service refused or never answered."""


@dataclass(frozen=True)
class Stored:
    """An object in a listing: its size in bytes and when it was written."""

    size: int
    written_at: datetime


@dataclass(frozen=True)
class Version:
    """An object and its entity tag; the content is None if the reader has this version."""

    content: bytes | None
    e_tag: str | None


def in_parallel(work: Callable[[Item], object], items: Iterable[Item]) -> None:
    """Do a piece of work for each item, several at once; the first error ends the others."""
    with ThreadPoolExecutor(REQUESTS) as pool:
        for _ in pool.map(work, items):
            pass


class Bucket:
    """A folder of a bucket, `s3://bucket/folder`; keys are relative to it."""

    def __init__(self, address: str, settings: Settings) -> None:
        # Imported here: a local data root needs no client.
        import obstore
        from obstore import exceptions

        self.address = address
        self._place = settings.s3_endpoint or f"Amazon S3 ({settings.s3_region})"
        self._client, self._exceptions = obstore, exceptions
        self._store = _store(address, settings)

    def ask(self, request: Callable[..., Answer], *arguments: Any, **options: Any) -> Answer:
        """Make a request; a fault of the service, and of the way to it, is an `Unreachable`."""
        passed = (
            self._exceptions.AlreadyExistsError,
            self._exceptions.PreconditionError,
            self._exceptions.NotModifiedError,
        )
        try:
            return request(self._store, *arguments, **options)
        except passed:
            raise
        except FileNotFoundError as error:
            if "NoSuchBucket" not in str(error):
                raise
            raise self._fault(error) from None
        except self._exceptions.BaseError as error:
            raise self._fault(error) from None

    def _fault(self, error: Exception) -> Unreachable:
        text = str(error)
        bucket = self.address.split("/")[2]
        if "NoSuchBucket" in text:
            return Unreachable(
                f"The bucket {bucket} does not exist at {self._place}; make it, or correct"
                " FINANCIAL_PIPELINE_DATA_ROOT."
            )
        refused = (
            self._exceptions.PermissionDeniedError,
            self._exceptions.UnauthenticatedError,
        )
        if isinstance(error, refused):
            return Unreachable(
                f"{self._place} refuses access to {self.address}; set AWS_ACCESS_KEY_ID and"
                " AWS_SECRET_ACCESS_KEY of a user who may read and write there."
            )
        reason = text.splitlines()[0][:200] if text else type(error).__name__
        return Unreachable(
            f"{self.address} cannot be reached at {self._place}; published data is unchanged."
            f" Check AWS_ENDPOINT_URL and the network, and repeat the command ({reason})."
        )

    def read(self, key: str, known: str | None = None) -> Version | None:
        """Return an object, without its content if its tag is `known`; None if there is none."""
        try:
            return self.ask(_read, self._client, key, known)
        except self._exceptions.NotModifiedError:
            return Version(None, known)
        except FileNotFoundError:
            return None

    def replace(self, key: str, content: bytes, known: str | None) -> str | None:
        """Replace the object with the entity tag `known` (None: there is none) and return the new
        tag; return None, and change nothing, if the object is another one by now.
        """
        mode = "create" if known is None else {"e_tag": known}
        try:
            result = self.ask(self._client.put, key, content, mode=mode)
        except (
            FileNotFoundError,
            self._exceptions.AlreadyExistsError,
            self._exceptions.PreconditionError,
        ):
            return None
        return result["e_tag"]

    def put(self, key: str, content: Path | bytes) -> None:
        """Write an object, with the SHA-256 of its content."""
        digest = (
            sha256(content) if isinstance(content, Path) else hashlib.sha256(content).hexdigest()
        )
        self.ask(self._client.put, key, content, attributes={DIGEST: digest})

    def copy(self, key: str, target: str) -> None:
        """Copy an object inside the bucket."""
        self.ask(self._client.copy, key, target)

    def download(self, key: str, target: Path) -> None:
        """Write an object to a file; raises PipelineError if its bytes are not the written ones."""
        with replacing(target, durable=False) as temporary:
            found, expected = self.ask(_download, self._client, key, temporary)
            # Objects that another program uploaded have no such metadata.
            if expected is not None and found != expected:
                raise PipelineError(
                    f"The object {key} of {self.address} is damaged: its SHA-256 is {found}, not"
                    f" {expected}; publish its table again from a sound copy."
                )

    def listed(self, prefix: str) -> dict[str, Stored]:
        """Return the objects under a folder by key."""
        rows = self.ask(_list, self._client, prefix)
        return {row["path"]: Stored(row["size"], row["last_modified"]) for row in rows}

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are not there are no fault."""
        if keys:
            self.ask(self._client.delete, list(keys))


def _store(address: str, settings: Settings) -> "S3Store":
    from obstore.store import S3Store

    name, _, folder = address.removeprefix("s3://").partition("/")
    config: S3Config = {"region": settings.s3_region}
    if settings.s3_endpoint:
        config["endpoint"] = settings.s3_endpoint
    if settings.s3_access_key_id and settings.s3_secret_access_key:
        config["access_key_id"] = settings.s3_access_key_id.get_secret_value()
        config["secret_access_key"] = settings.s3_secret_access_key.get_secret_value()
    if settings.s3_session_token:
        config["session_token"] = settings.s3_session_token.get_secret_value()
    return S3Store(
        name,
        prefix=folder or None,
        config=config,
        client_options={
            "allow_http": (settings.s3_endpoint or "").startswith("http://"),
            "timeout": TIMEOUT,
        },
        retry_config={"max_retries": RETRIES, "retry_timeout": PATIENCE},
    )


def _read(store: "S3Store", client: Any, key: str, known: str | None) -> Version:
    result = client.get(store, key, options={"if_none_match": known} if known else None)
    return Version(bytes(result.bytes()), result.meta["e_tag"])


def _download(store: "S3Store", client: Any, key: str, target: Path) -> tuple[str, str | None]:
    """Write an object to a file; return the SHA-256 of its bytes, and that of its metadata."""
    result, digest = client.get(store, key), hashlib.sha256()
    with target.open("wb") as file:
        for chunk in result.stream():
            file.write(chunk)
            digest.update(chunk)
    return digest.hexdigest(), result.attributes.get(DIGEST)


def _list(store: "S3Store", client: Any, prefix: str) -> list[Any]:
    return list(client.list(store, prefix).collect())
