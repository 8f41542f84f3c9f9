"""A drill, its result, and its run in a temporary folder of its own."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from financial_pipeline.errors import PipelineError

# The result of a drill, in words; the drill passes if it equals the expected words.
Action = Callable[[Path], str]


@dataclass(frozen=True)
class Drill:
    """One fault: what makes it, what that breaks, and what the system promises then."""

    action: Action
    breaks: str
    expected: str

    @property
    def name(self) -> str:
        """Its name for people: that of the action."""
        return self.action.__name__.replace("_", "-")


@dataclass(frozen=True)
class Result:
    """The observation of a drill, and whether it was expected."""

    name: str
    breaks: str
    expected: str
    observed: str
    passed: bool
    seconds: float


def run(drill: Drill) -> Result:
    """Run a drill; anything that it does not expect is observed, never raised."""
    started = time.monotonic()
    with TemporaryDirectory(prefix="drill-") as folder:
        try:
            observed = drill.action(Path(folder))
        except Exception as error:
            observed = f"{type(error).__name__}: {error}"
    seconds = round(time.monotonic() - started, 2)
    passed = observed == drill.expected
    return Result(drill.name, drill.breaks, drill.expected, observed, passed, seconds)


def refusal(action: Callable[[], object]) -> str:
    """Return `refused` if an action raises one sentence, else its result."""
    try:
        action()
    except PipelineError as error:
        text = str(error)
        return "refused" if len(text.splitlines()) == 1 else f"refused in several lines: {text}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "accepted"


def summarize_cases(observed: dict[str, str], wanted: str) -> str:
    """Return `wanted` with the number of cases if all cases gave it, else those that did not."""
    wrong = {case: text for case, text in observed.items() if text != wanted}
    if wrong:
        return "; ".join(f"{case}: {text}" for case, text in wrong.items())
    return f"{wanted}: {len(observed)} of {len(observed)}"
