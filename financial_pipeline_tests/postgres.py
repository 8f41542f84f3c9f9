"""Debian's PostgreSQL on loopback for the length of a test, run by a user that is not root."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from financial_pipeline.local_cluster.ports import free_ports

DEBIAN = Path("/usr/lib/postgresql")


def _binaries() -> Path:
    found = sorted(DEBIAN.glob("*/bin/initdb"))
    if not found:
        pytest.skip("Debian's postgresql is not installed")
    return found[-1].parent


def _as_user() -> list[str]:
    """PostgreSQL refuses root, so root hands over to the user of Debian's package."""
    if os.getuid():
        return []
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("there is no user `postgres` to run the server")
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def restart(address: str) -> None:
    """Restart the server of an address; its clients lose their connections."""
    with create_engine(address).connect() as connection:
        data = str(connection.execute(text("show data_directory")).scalar())
    command = [f"{_binaries()}/pg_ctl", "-D", data, "-m", "fast", "-w", "restart"]
    # In a folder that the user of the server may enter.
    output = subprocess.DEVNULL
    subprocess.run([*_as_user(), *command], check=True, cwd="/", stdout=output, stderr=output)


@contextmanager
def server(*databases: str) -> Iterator[dict[str, str]]:
    """Start a server with these databases; yields the SQLAlchemy address of each by name."""
    binaries, user = _binaries(), _as_user()
    folder = Path(tempfile.mkdtemp(prefix="postgres-", dir="/tmp"))
    if user:
        shutil.chown(folder, "postgres", "postgres")
    port, data = next(free_ports(1)), folder / "data"

    def run(*command: str) -> None:
        subprocess.run([*user, *command], check=True, capture_output=True, cwd=folder)

    run(f"{binaries}/initdb", "-D", str(data), "-A", "trust", "-U", "dagster", "--no-sync")
    options = f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off"
    log = str(folder / "log")
    run(f"{binaries}/pg_ctl", "-D", str(data), "-o", options, "-l", log, "-w", "start")
    try:
        for name in databases:
            run(f"{binaries}/createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "dagster", name)
        yield {name: f"postgresql+psycopg2://dagster@127.0.0.1:{port}/{name}" for name in databases}
    finally:
        run(f"{binaries}/pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)
