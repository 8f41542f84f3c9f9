"""An S3 service on loopback: moto behind a front that checks keys, lists requests and fails some.

The front answers one request after another, as a condition and its put have to be one step.
"""

import re
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

KEY_ID: Final = "AKIDEXAMPLEPIPELINE"
SECRET: Final = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY"
BUCKET: Final = "tables"
REFUSED: Final = (
    b"<Error><Code>InvalidAccessKeyId</Code><Message>No such access key.</Message></Error>"
)
BROKEN: Final = b"<Error><Code>InternalError</Code><Message>Try again.</Message></Error>"
Environ = dict[str, Any]


class S3Service:
    """The service, its endpoint, and the requests that it answered: `PUT published.json`."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.requests: list[str] = []
        # Called with each request before it is answered, and after: true means a broken answer.
        self.before: Callable[[str], bool] = lambda _: False
        self.after: Callable[[str], bool] = lambda _: False
        self._app = DomainDispatcherApplication(create_backend_app)
        self._lock = threading.Lock()

    def __call__(self, environ: Environ, start_response: Any) -> list[bytes]:
        """Answer a request."""
        key = re.search(r"Credential=([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
        if key is None or key[1] != KEY_ID:
            start_response("403 Forbidden", [("Content-Type", "application/xml")])
            return [REFUSED]
        verb = "COPY" if "HTTP_X_AMZ_COPY_SOURCE" in environ else environ["REQUEST_METHOD"]
        request = f"{verb} {environ['PATH_INFO'].removeprefix(f'/{BUCKET}/')}"
        with self._lock:
            self.requests.append(request)
            if self.before(request):
                return self._broken(start_response)
            answers: list[Any] = []
            content = list(self._app(environ, lambda *answer, **_: answers.append(answer)))
            if self.after(request):
                return self._broken(start_response)
            start_response(*answers[0][:2])
            return content

    def _broken(self, start_response: Any) -> list[bytes]:
        start_response("500 Internal Server Error", [("Content-Type", "application/xml")])
        return [BROKEN]

    def variables(self) -> dict[str, str]:
        """Return the environment of a client."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
        }


@contextmanager
def serving() -> Iterator[S3Service]:
    """Run the service with one empty bucket, on a free port."""
    service = S3Service()
    server = make_server(
        "127.0.0.1",
        0,
        service,
        threaded=True,
        request_handler=_Quiet,  # type: ignore[arg-type]
    )
    service.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    scope = f"AWS4-HMAC-SHA256 Credential={KEY_ID}/20300101/us-east-1/s3/aws4_request"
    bucket = urllib.request.Request(
        f"{service.endpoint}/{BUCKET}", method="PUT", headers={"Authorization": scope}
    )
    urllib.request.urlopen(bucket).close()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()


class _Quiet(MotoRequestHandler):
    def log_request(self, *_: Any) -> None:
        """Write no line for each request."""
