"""Start of the app: alone, or together with Dagster so that both end together."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from financial_pipeline.errors import PipelineError

APP: Final = Path(__file__).with_name("streamlit_app.py")
LOOPBACK: Final = "127.0.0.1"
# Interval of the checks whether a server still runs, and the time one may take to end.
POLL_SECONDS: Final = 0.5
GRACE_SECONDS: Final = 20.0


def streamlit_command(port: int) -> list[str]:
    """Return the command that serves the app on loopback; its settings are in `.streamlit/`."""
    return [sys.executable, "-m", "streamlit", "run", str(APP), "--server.port", str(port)]


def address(port: int) -> str:
    """Return the address of a server on a loopback port."""
    return f"http://{LOOPBACK}:{port}"


def check_ports(**ports: int) -> None:
    """Raise PipelineError if a port, given by its option, is in use or given twice."""
    with ExitStack() as stack:
        for option, port in ports.items():
            held = stack.enter_context(socket.socket())
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                held.bind((LOOPBACK, port))
                held.listen()
            except OSError:
                name = option.replace("_", "-")
                raise PipelineError(
                    f"Port {port} is in use; end the program that has it, or pass another one with"
                    f" --{name}."
                ) from None


def serve(port: int) -> None:
    """Replace this process by the app's server."""
    command = streamlit_command(port)
    os.execv(command[0], command)


def run_together(commands: Sequence[Sequence[str]], folder: Path) -> int:
    """Run servers until one ends or a person stops them, then end the others.

    Return the exit code of the one that ended by itself, 0 if they were stopped.
    """
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    servers: list[subprocess.Popen[bytes]] = []
    try:
        servers += [subprocess.Popen(command, cwd=folder) for command in commands]
        while True:
            for server in servers:
                try:
                    return server.wait(POLL_SECONDS)
                except subprocess.TimeoutExpired:
                    continue
    except KeyboardInterrupt:
        return 0
    finally:
        _end(servers)
        signal.signal(signal.SIGTERM, previous)


def _end(servers: Sequence[subprocess.Popen[bytes]]) -> None:
    running = [server for server in servers if server.poll() is None]
    for server in running:
        # Dagster ends its own children on an interrupt.
        server.send_signal(signal.SIGINT)
    for server in running:
        try:
            server.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
