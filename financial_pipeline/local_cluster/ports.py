"""Loopback ports of the runtime: configured, or free ones."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

from financial_pipeline.errors import PipelineError

LOOPBACK = "127.0.0.1"


def free_ports(count: int) -> Iterator[int]:
    """Return free ports, all different."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        ports = [int(each.getsockname()[1]) for each in sockets]
    return iter(ports)


def require_free(port: int, purpose: str, variable: str) -> int:
    """Return the port; raise one sentence if another process listens on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise PipelineError(
                f"Port {port} for {purpose} is taken by another process: free it, set {variable} "
                "to another port, or unset it for a free one."
            ) from error
    return port
