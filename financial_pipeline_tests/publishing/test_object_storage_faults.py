"""A publication that ends at any request, a lost answer, a damaged and an emptied bucket."""

import errno
import threading
from pathlib import Path
from typing import Any

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import Disk
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import object_storage, working_copy
from financial_pipeline.publishing.bucket import Bucket
from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline_tests.publishing.machines import LOANS, Machine, published, value_of
from financial_pipeline_tests.s3_service import BUCKET, S3Service


class Ended(BaseException):
    """The end of the process."""


class Requests:
    """Counts the requests of this process, and ends it before or after one of them."""

    def __init__(self, at: int | None = None, *, is_sent: bool = False) -> None:
        self.at, self.is_sent, self.count, self.is_dead = at, is_sent, 0, False
        self._ask, self._lock = Bucket.ask, threading.Lock()

    def ask(self, bucket: Bucket, *arguments: Any, **options: Any) -> Any:
        with self._lock:
            if self.is_dead:
                raise Ended
            self.count += 1
            self.is_dead = self.count == self.at
            if self.is_dead and not self.is_sent:
                raise Ended
            answer = self._ask(bucket, *arguments, **options)
            if self.is_dead:
                raise Ended
            return answer


def requests(
    patch: pytest.MonkeyPatch, at: int | None = None, *, is_sent: bool = False
) -> Requests:
    counted = Requests(at, is_sent=is_sent)
    patch.setattr(Bucket, "ask", lambda *a, **o: counted.ask(*a, **o))
    return counted


def ends(paths: Paths, at: int, *, is_sent: bool) -> int | None:
    """Publish 2 and end at a request; return None if there are fewer requests."""
    with pytest.MonkeyPatch.context() as patch:
        counted = requests(patch, at, is_sent=is_sent)
        try:
            published(paths, 2)
        except Ended:
            return counted.count
        return None


@pytest.mark.parametrize("is_sent", [False, True])
def test_a_writer_that_ends_at_any_request_leaves_a_whole_version(
    s3: S3Service, tmp_path: Path, is_sent: bool
) -> None:
    seen, at = [], 0
    is_there = True
    while is_there:
        at += 1
        address = f"s3://{BUCKET}/ends-{is_sent}-{at}"
        here, reader = (Paths(tmp_path / f"{at}-{name}") for name in ("here", "reader"))
        working_copy.prepare(here, address, builds=True)
        published(here, 1)
        is_there = ends(here, at, is_sent=is_sent) is not None
        working_copy.prepare(reader, address, builds=True)
        # The working copy has a whole version too: the same one, or the one before.
        assert value_of(here) in {1, value_of(reader)}
        seen.append(value_of(reader))
        working_copy.prepare(here, address, builds=True)
        assert value_of(here) == value_of(reader)
        published(here, 3)
        working_copy.prepare(reader, address, builds=True)
        assert value_of(reader) == 3
    assert at > 8
    assert seen == sorted(seen)
    assert set(seen) == {1, 2}


def test_a_disk_that_fails_after_the_put_is_no_lost_publication(machine: Machine) -> None:
    here = machine("here")
    published(here, 1)
    whole = Disk.rename

    def rename(disk: Disk, source: Path, target: Path) -> None:
        if target == here.manifest:
            raise OSError(errno.ENOSPC, "No space left on device")
        whole(disk, source, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Disk, "rename", rename)
        with pytest.raises(OSError, match="No space"):
            published(here, 2)
    assert value_of(here) == 1
    assert value_of(machine("here")) == 2


def test_an_answer_that_was_lost_is_no_lost_publication(s3: S3Service, machine: Machine) -> None:
    here = machine("here")
    published(here, 1)
    lost: list[str] = []

    def lose(request: str) -> bool:
        is_first = request.startswith("PUT") and request.endswith("published.json") and not lost
        lost.extend([request] if is_first else [])
        return is_first

    s3.after = lose
    published(here, 2)
    assert len(lost) == 1
    assert (value_of(here), value_of(machine("reader"))) == (2, 2)


def test_a_damaged_object_leaves_the_version_before(
    machine: Machine, s3: S3Service, address: str
) -> None:
    here = machine("here")
    published(here, 1)
    reader = machine("reader")
    published(here, 2)
    shared = object_storage.shared_bucket(here)
    assert shared is not None
    (key,) = shared.bucket.listed(f"{read_manifest(here).table(LOANS).folder}/")
    shared.bucket.ask(shared.bucket._client.put, key, b"rot", attributes={"sha256": "0" * 64})
    with pytest.raises(PipelineError, match="is damaged: its SHA-256 is"):
        machine("reader")
    assert value_of(reader) == 1


def test_a_bucket_that_was_emptied_is_not_filled_with_a_part(
    machine: Machine, s3: S3Service
) -> None:
    here = machine("here")
    published(here, 1)
    shared = object_storage.shared_bucket(here)
    assert shared is not None
    shared.bucket.delete(["published.json"])
    with pytest.raises(PipelineError, match=r"has no published.json any more"):
        published(here, 2)
    assert value_of(here) == 1
