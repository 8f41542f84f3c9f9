"""A server on loopback that speaks as FRED and Yahoo do, from recorded answers.

FRED answers XML or JSON, cuts real-time periods to the range asked for, refuses a wrong key and
more than 2,000 vintages at once. Yahoo answers charts cut to the period asked for, and cookies.
"""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import quoteattr

import yaml

KEY = "0123456789abcdef0123456789abcdef"
VINTAGE_CAP = 2000
NO_KEY = "Bad Request.  The value for variable api_key is not registered."
TOO_MANY = "Bad Request.  Too many vintage dates between realtime_start and realtime_end."
Reply = tuple[int, dict[str, str], bytes]


@dataclass
class Upstream:
    """The server's answers and the requests to it; `script` contains replies that come first."""

    url: str = ""
    # Observations over all time, by series: realtime_start, realtime_end, date, value.
    series: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    vintages: dict[str, list[str]] = field(default_factory=dict)
    # The first result of a chart, by symbol.
    charts: dict[str, dict[str, Any]] = field(default_factory=dict)
    script: list[Reply] = field(default_factory=list)
    # Chart requests and FRED requests, without their keys.
    asked: list[str] = field(default_factory=list)

    def reply(self, target: str) -> Reply:
        path, asked = urlsplit(target).path, dict(parse_qsl(urlsplit(target).query))
        is_data = path.startswith(("/fred/", "/v8/"))
        if is_data:
            self.asked.append(target.split("&api_key")[0])
            if self.script:
                return self.script.pop(0)
        if path.startswith("/fred/"):
            return self._fred(path, asked)
        if path.startswith("/v8/finance/chart/"):
            return self._chart(path.rsplit("/", 1)[1], asked)
        return 200, {"content-type": "text/plain"}, b"crumb"

    def _fred(self, path: str, asked: dict[str, str]) -> Reply:
        if asked.get("api_key") != KEY:
            return _fred_error(NO_KEY)
        if asked["series_id"] not in self.series:
            return _fred_error("Bad Request.  The series does not exist.")
        rows = self.series[asked["series_id"]]
        days = self.vintages.get(asked["series_id"]) or sorted({r["realtime_start"] for r in rows})
        if path.endswith("vintagedates"):
            items = "".join(f"<vintage_date>{day}</vintage_date>" for day in days)
            head = f'count="{len(days)}" offset="0" limit="10000"'
            return _xml(f"<vintage_dates {head}>{items}</vintage_dates>")
        first, last = asked["realtime_start"], asked["realtime_end"]
        if sum(first <= day <= last for day in days) > VINTAGE_CAP:
            return _fred_error(TOO_MANY)
        return _observations(rows, first, last, int(asked.get("offset", 0)))

    def _chart(self, symbol: str, asked: dict[str, str]) -> Reply:
        if symbol not in self.charts:
            error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
            body = {"chart": {"result": None, "error": error}}
            return 404, {"content-type": "application/json"}, json.dumps(body).encode()
        result = self.charts[symbol]
        if "period1" in asked and "timestamp" in result:
            result = cut(result, int(asked["period1"]), int(asked["period2"]))
        return page({"chart": {"result": [result], "error": None}})


def page(content: object) -> Reply:
    return 200, {"content-type": "application/json"}, json.dumps(content).encode()


def _xml(text: str) -> Reply:
    document = f'<?xml version="1.0" encoding="utf-8" ?>\n{text}'
    return 200, {"content-type": "text/xml"}, document.encode()


def _fred_error(message: str) -> Reply:
    body = (
        f'<?xml version="1.0" encoding="utf-8" ?>\n<error code="400" message={quoteattr(message)}/>'
    )
    return 400, {"content-type": "text/xml"}, body.encode()


def _observations(rows: list[dict[str, str]], first: str, last: str, offset: int) -> Reply:
    found = [
        row
        | {
            "realtime_start": max(row["realtime_start"], first),
            "realtime_end": min(row["realtime_end"], last),
        }
        for row in rows
        if row["realtime_start"] <= last and row["realtime_end"] >= first
    ]
    items = "".join(
        "<observation " + " ".join(f"{k}={quoteattr(v)}" for k, v in row.items()) + "/>"
        for row in found[offset:]
    )
    head = f'realtime_start="{first}" realtime_end="{last}" units="lin" output_type="1"'
    head += f' count="{len(found)}" offset="{offset}" limit="100000"'
    return _xml(f"<observations {head}>{items}</observations>")


def cut(result: dict[str, Any], first: int, last: int) -> dict[str, Any]:
    """A chart within [first, last), as Yahoo cuts it; a chart without a day has no timestamps."""
    places = [i for i, second in enumerate(result["timestamp"]) if first <= second < last]
    indicators = {
        kind: [{name: [values[i] for i in places] for name, values in part.items()}]
        for kind, (part,) in result["indicators"].items()
    }
    events = {
        kind: {key: event for key, event in items.items() if first <= int(key) < last}
        for kind, items in result.get("events", {}).items()
    }
    stamps = {"timestamp": [result["timestamp"][i] for i in places]} if places else {}
    if not places:
        indicators = {"quote": [{}]}
    return {"meta": result["meta"], "events": events, "indicators": indicators} | stamps


def cassette(path: Path) -> list[dict[str, Any]]:
    """The JSON bodies of a recorded FRED conversation."""
    items = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["interactions"]
    texts = [item["response"]["body"]["string"] for item in items]
    return [
        json.loads(gzip.decompress(text) if isinstance(text, bytes) else text) for text in texts
    ]


def recorded_chart(path: Path) -> dict[str, Any]:
    """The result of a recorded Yahoo chart."""
    result: dict[str, Any] = json.loads(path.read_text())["response"]["bodyJson"]["chart"]
    return result["result"][0]


@contextmanager
def serving() -> Iterator[Upstream]:
    """An empty upstream on a free port of loopback."""
    upstream = Upstream()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = upstream.reply(self.path)
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    upstream.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield upstream
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
