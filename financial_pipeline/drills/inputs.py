"""Drills on input from outside: dropped files, and answers of live sources."""

import gzip
import io
import json
import lzma
import os
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from functools import partial
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.error import HTTPError
from urllib.request import urlopen

from financial_pipeline.drills.drill import Drill, refusal, summarize_cases
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive, ingest
from financial_pipeline.settings import Settings
from financial_pipeline.sources import http_client, landing
from financial_pipeline.sources.compression import decompressed
from financial_pipeline.sources.http_client import Answer, HttpClient, ProviderFailure

SOUND: Final = "DATE,UNRATE\n2019-01-01,4.0\n2019-02-01,3.8\n"
# Zeros compress a thousandfold, which is above the bound for unpacked bytes.
BOMB_BYTES: Final = 270 << 20
ENDLESS_BYTES: Final = 65 << 20
# Seconds that a client of a drill waits for an answer.
TIMEOUT_SECONDS: Final = 0.3
PAGE: Final = b"<!doctype html><html>Access denied</html>"


def _zip(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in names:
            file.writestr(name, SOUND)
    return buffer.getvalue()


def _hostile() -> dict[str, bytes]:
    packed = gzip.compress(SOUND.encode() * 50)
    return {
        "empty.csv": b"",
        "page.csv": PAGE,
        "document.csv": b"%PDF-1.7\n",
        "unknown.csv": b"a,b\n1,2\n",
        "nul.csv": b"DATE,UNRATE\n\x00\x00\x00\n",
        "cut.csv.gz": packed[: len(packed) // 2],
        "mangled.csv.gz": packed[:20] + b"\xff" * 20 + packed[40:],
        "cut.csv.xz": lzma.compress(SOUND.encode())[:-20],
        "cut.parquet": b"PAR1" + b"\x00" * 64,
        "two.zip": _zip("a.csv", "b.csv"),
        "outside.zip": _zip("../../a.csv"),
        "wide.csv": b"DATE" + b",UNRATE" * 10_000 + b"\n",
        "deep.json": b'{"observations":' + b"[" * 100_000,
        "endless.csv.gz": gzip.compress(b"x" * ENDLESS_BYTES),
    }


def hostile_files(folder: Path) -> str:
    """Drop broken and hostile files next to a sound one."""
    drop, paths = folder / "drop", Paths(folder / "root")
    drop.mkdir()
    (drop / "UNRATE.csv").write_text(SOUND)
    for name, content in _hostile().items():
        (drop / name).write_bytes(content)
    (drop / "link.csv").symlink_to("/etc/hostname")
    os.mkfifo(drop / "pipe.csv")
    settings = Settings(source="files", landing=drop, data_root=paths.data_root)
    read = [file.path.name for file in ingest.landed_files(settings, paths)]
    left_out = ingest.left_out(paths)
    lines = [line for sentence in left_out for line in sentence.splitlines()]
    return f"read {', '.join(read)}; {len(left_out)} refused in {len(lines)} lines"


def archive_bomb(folder: Path) -> str:
    """Unpack a file that grows a thousandfold."""
    bomb = folder / "bomb.csv.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as file:
        for _ in range(BOMB_BYTES >> 20):
            file.write(b"0\n" * (1 << 19))

    def unpack() -> None:
        with decompressed(bomb, folder):
            pass

    return f"{refusal(unpack)}; {len(list(folder.iterdir())) - 1} files left behind"


def tampered_archive(folder: Path) -> str:
    """Change an archived file, stage it, and drop the file again."""
    (folder / "UNRATE.csv").write_text(SOUND)
    paths, landed = Paths(folder / "root"), landing.detect(folder / "UNRATE.csv")
    (file,), _ = archive.archive(paths, [landed])
    file.archived_path.chmod(0o644)
    file.archived_path.write_text(SOUND.replace("3.8", "9.9"))
    before = refusal(lambda: archive.verify([file]))
    archive.archive(paths, [landed])
    after = refusal(lambda: archive.verify([file]))
    is_sound = file.archived_path.read_text() == SOUND
    return f"changed: {before}; dropped again: {after}, as it was: {is_sound}"


class _Upstream(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        kind = self.path.strip("/")
        if kind == "slow":
            time.sleep(2 * TIMEOUT_SECONDS)
        self.send_response(int(kind) if kind.isdigit() else 200)
        body = {"page": PAGE, "json": b'{"ok": 1}'}.get(kind, b"{}")
        self.send_header("Content-Length", str(len(body) + (100 if kind == "cut" else 0)))
        self.end_headers()
        # A client that gave up has closed the connection.
        with suppress(OSError):
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@contextmanager
def _serving() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Upstream)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _send(address: str) -> Answer:
    try:
        with urlopen(address, timeout=TIMEOUT_SECONDS) as response:
            return Answer(response.status, {}, response.read())
    except HTTPError as error:
        return Answer(error.code, {}, b"")
    except HTTPException as error:
        raise ConnectionError(type(error).__name__) from None


def _validate(answer: Answer) -> tuple[str, str] | None:
    is_page = http_client.web_page(answer.body)
    return ("html_page", "answered with a web page") if is_page else None


def bad_answers(folder: Path) -> str:
    """Ask a server that throttles, fails, answers a page, is slow, or cuts the connection."""
    seen = []
    with _serving() as url:
        for kind in ("json", "429", "500", "page", "slow", "cut"):
            client = HttpClient(folder, budget=9, cache_seconds=0, sleep=lambda _: None)
            try:
                client.request("drill", kind, partial(_send, f"{url}/{kind}"), _validate)
                seen.append("answered")
            except ProviderFailure as failure:
                seen.append(f"{failure.reason} after {client.spent}")
            except Exception as error:
                seen.append(type(error).__name__)
    return ", ".join(seen)


def damaged_cache(folder: Path) -> str:
    """Damage the cache of answers."""
    client = HttpClient(folder, budget=9, cache_seconds=60)
    good = Answer(200, {}, json.dumps({"day": date(2019, 3, 29).isoformat()}).encode())
    found = {}
    for content in (b"", b"{", b"\xff\xfe", b"[]", b"{}"):
        client.request("drill", "x", lambda: good, _validate)
        (place,) = folder.glob("*.json")
        place.write_bytes(content)
        answer = client.request("drill", "x", lambda: good, _validate)
        found[repr(content)] = "asked again" if answer == good else "believed"
    return summarize_cases(found, "asked again")


DRILLS: Final = (
    Drill(
        hostile_files,
        "14 broken or hostile files, a link and a pipe in the drop folder",
        "read UNRATE.csv; 16 refused in 16 lines",
    ),
    Drill(
        archive_bomb,
        "a gzip file that unpacks to a thousand times its size",
        "refused; 0 files left behind",
    ),
    Drill(
        tampered_archive,
        "bytes of an archived file, changed later",
        "changed: refused; dropped again: accepted, as it was: True",
    ),
    Drill(
        bad_answers,
        "a source that throttles, fails, answers a page, is slow, or cuts the connection",
        "answered, throttled after 3, server_error after 3, html_page after 1,"
        " unreachable after 1, unreachable after 1",
    ),
    Drill(
        damaged_cache,
        "the cache of a source's answers",
        "asked again: 5 of 5",
    ),
)
