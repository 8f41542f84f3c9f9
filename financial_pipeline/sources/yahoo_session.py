"""The HTTP session of yfinance: every request uses HttpClient, every chart is validated.

yfinance knows Yahoo's cookies and paths; this session only replaces their host, so that tests
can serve Yahoo's answers on loopback.
"""

import json
from typing import Any, Final
from urllib.parse import unquote, urlencode, urlsplit

from curl_cffi import requests

from financial_pipeline.sources.http_client import OK, Answer, HttpClient, ProviderFailure, web_page

PROVIDER: Final = "Yahoo Finance"
CHART_PATH: Final = "/v8/finance/chart/"
LONGEST_TIMEOUT_SECONDS: Final = 15
# Other refusals may be of the session's cookie, and yfinance gets another one then.
NO_SUCH_CHART: Final = (400, 404, 422)
QUOTE_FIELDS: Final = frozenset({"open", "high", "low", "close", "volume"})
# The `meta` of a chart of shares and funds in dollars on the exchanges of New York.
HOME_MARKET: Final = {
    "currency": frozenset({"USD"}),
    "exchangeName": frozenset({"NYQ", "NYS", "NMS", "NGM", "NCM", "NAS", "PCX", "ASE", "BTS"}),
    "exchangeTimezoneName": frozenset({"America/New_York"}),
}
# Yahoo answers throttled clients with this text, sometimes with status 200.
THROTTLED_TEXT: Final = b"Too Many Requests"


class YahooSession(requests.Session[requests.Response]):
    """A curl_cffi session for yfinance; `base_url` replaces every host of Yahoo."""

    def __init__(self, http: HttpClient, base_url: str) -> None:
        super().__init__(impersonate="chrome")
        self._http = http
        self._base = base_url.rstrip("/")
        # Yahoo's message if it refused the newest chart, such as a wrong crumb.
        self.refusal = ""

    def request(self, method: str, url: str, **options: Any) -> Any:  # type: ignore[override]
        """Send one request of yfinance; a chart is validated before yfinance sees it."""
        path = urlsplit(url).path
        options["timeout"] = min(options.get("timeout") or 99, LONGEST_TIMEOUT_SECONDS)
        target = f"{self._base}{path}" if self._base else url
        if not path.startswith(CHART_PATH):
            # Cookies and crumbs: yfinance works without them.
            self._http.spend(PROVIDER)
            return super().request(method, target, **options)  # type: ignore[arg-type]
        # The crumb is a token of this session, not part of the address.
        asked = {name: value for name, value in options["params"].items() if name != "crumb"}
        address = f"{target}?{urlencode(sorted(asked.items()))}"
        symbol = unquote(path.removeprefix(CHART_PATH))
        answer = self._http.request(
            PROVIDER,
            address,
            lambda: self._send(method, target, options),
            lambda found: validate_chart(found) or validate_identity(found, symbol),
        )
        self.refusal = "" if answer.status == OK else f"said {_description(answer)}"
        if answer.status in NO_SUCH_CHART:
            raise ProviderFailure(PROVIDER, "refused", f"said {_description(answer)}")
        return _response(answer, target)

    def _send(self, method: str, url: str, options: dict[str, Any]) -> Answer:
        sent = super().request(method, url, **options)  # type: ignore[arg-type]
        headers = {name.lower(): value or "" for name, value in sent.headers.items()}
        status = 429 if THROTTLED_TEXT in sent.content[:200] else sent.status_code
        return Answer(status, headers, sent.content)


def _response(answer: Answer, url: str) -> requests.Response:
    response = requests.Response()
    response.url, response.content, response.status_code = url, answer.body, answer.status
    response.ok = answer.status == OK
    return response


def _description(answer: Answer) -> str:
    try:
        return str(json.loads(answer.body)["chart"]["error"]["description"]).rstrip(".")
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status}"


def validate_identity(answer: Answer, symbol: str) -> tuple[str, str] | None:
    """Return how the security of a sound chart differs from a bank's on its home exchange."""
    meta = json.loads(answer.body)["chart"]["result"][0]["meta"]
    found = {name: meta.get(name) for name in ("symbol", *HOME_MARKET)}
    wanted = {"symbol": {symbol}, **HOME_MARKET}
    # An answer without the name of its exchange is known by its time zone.
    wrong = {
        name: value
        for name, value in found.items()
        if value not in wanted[name] and (name != "exchangeName" or value is not None)
    }
    if not wrong:
        return None
    said = ", ".join(f"{name} {value}" for name, value in wrong.items())
    return "other_security", f"answered with another security than {symbol} ({said})"


def validate_chart(answer: Answer) -> tuple[str, str] | None:
    """Return why an answer is no chart (web page, empty, unknown layout), or None for a chart."""
    if web_page(answer.body):
        return "html_page", "answered with a web page instead of data"
    try:
        chart = json.loads(answer.body)["chart"]
        if chart.get("error"):
            return "refused", f"said {chart['error'].get('description')}"
        result = chart["result"][0]
        if "timestamp" not in result:
            return "empty_answer", "answered with a chart without a single price"
        quote = set(result["indicators"]["quote"][0])
        is_daily = result["meta"]["dataGranularity"] == "1d"
        has_adjusted = "adjclose" in (result["indicators"].get("adjclose") or [{}])[0]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return "changed_layout", "answered with something that is no chart"
    if quote != QUOTE_FIELDS or (is_daily and not has_adjusted):
        # Without adjusted closes, yfinance would use the raw ones instead.
        found = sorted(quote | ({"adjclose"} if has_adjusted else set()))
        return "changed_layout", f"answered with the columns {', '.join(found)}"
    return None
