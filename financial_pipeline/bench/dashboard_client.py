"""A reader of the dashboard without a browser: the messages that a browser sends and gets.

It speaks to a real server over its websocket, so a run is timed from the reader's message to the
server's word that the page is complete. Drawing the page in a browser is not part of it.
"""

import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Common_pb2 import DoubleArray
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from financial_pipeline.dashboard import launch
from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.ports import free_ports

START_SECONDS: Final = 120.0
RUN_SECONDS: Final = 300.0
PROTOCOL: Final = Subprotocol("streamlit")


@dataclass
class Run:
    """One run of a page: its time and its visible content."""

    seconds: float = 0.0
    succeeded: bool = True
    exceptions: list[str] = field(default_factory=list)
    # Everything that the page says in words: titles, boxes and small print.
    texts: list[str] = field(default_factory=list)
    # The cards: label -> value.
    metrics: dict[str, str] = field(default_factory=dict)
    # Rows in the data of each chart.
    points: list[int] = field(default_factory=list)


class DashboardReader:
    """One open tab: a session of the server."""

    def __init__(self, address: str) -> None:
        url = f"{address.replace('http', 'ws', 1)}/_stcore/stream"
        self._opened = ExitStack()
        opening = connect(
            url, subprotocols=[PROTOCOL], max_size=None, open_timeout=START_SECONDS, proxy=None
        )
        self._socket = self._opened.enter_context(opening)
        self._pages: dict[str, str] = {}
        self._widgets: dict[str, str] = {}
        # The choices of each box of the current page.
        self.choices: dict[str, list[str]] = {}
        self._page = ""
        self.first = self._run(self._rerun(""))

    def close(self) -> None:
        """Leave the page."""
        self._opened.close()

    def open(self, page: str, query: str = "") -> Run:
        """Go to a page by its name in the menu, in small letters."""
        self._page = self._pages[page]
        self._widgets = {}
        return self._run(self._rerun(query))

    def move(self, key: str, value: float | str) -> Run:
        """Set a slider of the current page to a number, or a box to one of its choices."""
        message = self._rerun("")
        state = WidgetState(id=self._widgets[key])
        if isinstance(value, str):
            state.string_value = value
        else:
            state.double_array_value.CopyFrom(DoubleArray(data=[value]))
        message.rerun_script.widget_states.widgets.append(state)
        return self._run(message)

    def _rerun(self, query: str) -> BackMsg:
        return BackMsg(rerun_script=ClientState(query_string=query, page_script_hash=self._page))

    def _run(self, message: BackMsg) -> Run:
        run = Run()
        start = time.perf_counter()
        self._socket.send(message.SerializeToString())
        while True:
            content = self._socket.recv(RUN_SECONDS)
            answer = ForwardMsg.FromString(content if isinstance(content, bytes) else b"")
            kind = answer.WhichOneof("type")
            if kind == "script_finished":
                if answer.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    run.seconds = time.perf_counter() - start
                    run.succeeded &= (
                        answer.script_finished != ForwardMsg.FINISHED_WITH_COMPILE_ERROR
                    )
                    return run
            elif kind == "navigation":
                self._pages = {
                    page.page_name.lower(): page.page_script_hash
                    for page in answer.navigation.app_pages
                    if not page.is_hidden
                }
            elif kind == "delta" and answer.delta.WhichOneof("type") == "new_element":
                self._note(run, answer.delta.new_element)

    def _note(self, run: Run, element: Any) -> None:
        kind = element.WhichOneof("type")
        part: Any = getattr(element, kind) if kind else None
        if kind == "exception":
            run.exceptions.append(f"{part.type}: {part.message}")
        elif kind in {"markdown", "alert", "heading"}:
            run.texts.append(part.body)
        elif kind == "metric":
            run.metrics[part.label] = part.body
        elif kind == "vega_lite_chart":
            run.points.append(_points(part))
        elif kind in {"slider", "selectbox"}:
            key = part.id.rsplit("-", 1)[-1]
            self._widgets[key] = part.id
            if kind == "selectbox":
                self.choices[key] = list(part.options)


def _points(chart: Any) -> int:
    """The rows of all data of one chart."""
    tables = [one.data.data for one in chart.datasets]
    return sum(pa.ipc.open_stream(table).read_all().num_rows for table in tables if table)


@contextmanager
def serve_dashboard(data_root: Path, log: Path | None = None) -> Iterator[tuple[str, int]]:
    """Serve the dashboard over a data root: its address and the server's process id.

    The output of the server goes to `log`, if it is given. Raises PipelineError if it does not
    start.
    """
    port = next(free_ports(1))
    environment = os.environ | {"FINANCIAL_PIPELINE_DATA_ROOT": str(data_root)}
    with (log or Path(os.devnull)).open("ab") as out:
        server = subprocess.Popen(
            launch.streamlit_command(port), env=environment, stdout=out, stderr=out
        )
    try:
        _wait(server, launch.address(port))
        yield launch.address(port), server.pid
    finally:
        server.terminate()
        server.wait(START_SECONDS)


def _wait(server: subprocess.Popen[bytes], address: str) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise PipelineError("The dashboard did not start.")
