"""A second lane: the Spark metrics and the model in a process beside the one that fills the tables.

DuckDB admits one writer and a Spark session serves one job best, so the runs of a lane follow each
other in the order of the plan; the second lane waits only for the jobs whose tables a run reads.
Dagster's runs are not safe in threads of one process, so the lane is a process. It is forked before
anything starts threads of its own (Polars, the JVM).
"""

import ctypes
import multiprocessing
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final

from financial_pipeline.defs.run_plan import READ_BESIDE, FamilyRun
from financial_pipeline.errors import PipelineError

FORK: Final = multiprocessing.get_context("fork")
# Linux: the signal that a process gets when its parent dies.
PR_SET_PDEATHSIG: Final = 1

Runs = Callable[[], Iterator[FamilyRun]]


class SecondLane:
    """A forked process that executes runs beside this one.

    `work` is called in it at once, with a function that waits for the plan and then yields each
    run when what it reads is there. It may prepare itself before that call.
    """

    def __init__(self, work: Callable[[Runs], None]) -> None:
        self._ended = {job: FORK.Event() for job in READ_BESIDE}
        self._failed = FORK.Event()
        self._plan, self._given = FORK.Pipe(duplex=False)
        self._failure, self._told = FORK.Pipe(duplex=False)
        self._process = FORK.Process(target=self._work, args=(work,), daemon=True)
        self._process.start()
        self._plan.close()
        self._told.close()

    def start(self, runs: Sequence[FamilyRun], planned: Sequence[FamilyRun]) -> None:
        """Give the lane its runs; it waits for those jobs only that are planned at all."""
        for job in READ_BESIDE - {run.job for run in planned}:
            self._ended[job].set()
        # Where the process is gone already, `join` tells why.
        with suppress(BrokenPipeError):
            self._given.send(list(runs))
        self._given.close()

    def ended(self, job: str) -> None:
        """Tell that a run of this process has ended well."""
        if job in self._ended:
            self._ended[job].set()

    @property
    def has_failed(self) -> bool:
        """Whether either side has told a failure, or the process is gone."""
        return self._failed.is_set() or self._process.exitcode not in (None, 0)

    def stop(self) -> None:
        """Start no further run; returns when the running one has ended."""
        self._failed.set()
        self._given.close()
        for event in self._ended.values():
            event.set()
        self._process.join()

    def join(self) -> None:
        """Wait until all its runs have ended; raises PipelineError with what failed first."""
        with suppress(EOFError):
            raise PipelineError(self._failure.recv())
        self._process.join()
        if self._process.exitcode:
            raise PipelineError(
                "The process of the Spark metrics and the model ended with"
                f" {self._process.exitcode} before its work was done; nothing published changes:"
                " run the command again."
            )

    def _work(self, work: Callable[[Runs], None]) -> None:
        self._given.close()
        self._failure.close()
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        try:
            work(self._runs)
        except BaseException as failure:
            self._failed.set()
            traceback.print_exc(file=sys.stdout)
            self._told.send(_sentence(failure))
        finally:
            sys.stdout.flush()

    def _runs(self) -> Iterator[FamilyRun]:
        try:
            runs = self._plan.recv()
        except EOFError:
            return
        for run in runs:
            for job in run.after:
                self._ended[job].wait()
            if self._failed.is_set():
                return
            yield run


def _sentence(failure: BaseException) -> str:
    if isinstance(failure, PipelineError):
        return str(failure)
    return (
        "The Spark metrics and the model failed and nothing published changed; runs.log below the"
        f" data root has the whole story: {type(failure).__name__}: {failure}"
    )


def run_lanes(
    planned: Sequence[FamilyRun], execute: Callable[[FamilyRun], None], second: SecondLane | None
) -> None:
    """Execute every run, those that keep off the warehouse in the second lane where there is one.

    After a failure no further run starts; it is raised when the running ones have ended.
    """
    own = [run for run in planned if second is None or not run.is_beside]
    if second:
        second.start([run for run in planned if run.is_beside], planned)
    try:
        for run in own:
            if second and second.has_failed:
                break
            execute(run)
            if second:
                second.ended(run.job)
    except BaseException:
        if second:
            second.stop()
        raise
    if second:
        second.join()
