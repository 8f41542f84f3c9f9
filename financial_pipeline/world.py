"""The world of a data root, and its current day."""

from datetime import date
from typing import Any, Final

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import private_folder, read_record, replace_json
from financial_pipeline.paths import Paths
from financial_pipeline.settings import Settings

# The last day of the simulated world.
SIMULATED_TODAY: Final = date(2019, 3, 31)
ADVICE: Final = "remove it and run `financial-pipeline demo` with the options of this data root"


def describe(settings: Settings) -> dict[str, object]:
    """Return the identity of the configured world: its source and, if simulated, how it is made."""
    if settings.source == "simulated":
        return {
            "source": "simulated",
            "is_synthetic": True,
            "loans": settings.loans,
            "seed": settings.seed,
            "clock": SIMULATED_TODAY.isoformat(),
        }
    return {"source": settings.source, "is_synthetic": False}


def today(settings: Settings) -> date:
    """Return today in the configured world: the last simulated day, or the machine's date."""
    return SIMULATED_TODAY if settings.source == "simulated" else date.today()


def claim_data_root(settings: Settings, paths: Paths) -> None:
    """Bind the data root to one world; raises PipelineError if it holds another one."""
    file, wanted = paths.data_root / "world.json", describe(settings)
    if not file.exists():
        private_folder(paths.data_root)
        replace_json(file, wanted)
    found: dict[str, Any] = read_record(file, ADVICE)
    if found != wanted:
        raise PipelineError(
            f"The data root {paths.data_root} contains another world ({_short(found)}) than the"
            f" requested one ({_short(wanted)}); pass {_options(found)} to use it,"
            " another --data-root, or remove that folder."
        )


def variables(paths: Paths) -> dict[str, str]:
    """Return the environment variables that configure the world of a data root.

    Raises PipelineError if the data root contains none.
    """
    file = paths.data_root / "world.json"
    if not file.exists():
        raise PipelineError(f"The data root {paths.data_root} contains no files; run a demo first.")
    found: dict[str, Any] = read_record(file, ADVICE)
    names = [name for name in ("source", "loans", "seed") if name in found]
    return {f"FINANCIAL_PIPELINE_{name.upper()}": str(found[name]) for name in names}


def _options(content: dict[str, object]) -> str:
    """Return the options of a command that name a world."""
    names = [name for name in ("source", "loans", "seed") if name in content]
    return " ".join(f"--{name} {content[name]}" for name in names)


def _short(content: dict[str, object]) -> str:
    names = ("source", "loans", "seed")
    return ", ".join(f"{name} {content[name]}" for name in names if name in content)
