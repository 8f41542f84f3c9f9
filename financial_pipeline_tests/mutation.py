"""Mutation testing: each small change of a module must make a test of it fail.

cosmic-ray changes a module in a copy of the repository, one place at a time, and runs the tests
that are named here. A mutant that no test notices is a hole in them, or is listed with the reason
why it is none. `make mutation ARGS="ledger gates"` runs some modules, without ARGS all of them.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from financial_pipeline_tests.warm_tests import PATIENCE, prepare

ROOT: Final = Path(__file__).resolve().parent.parent
TOOLS: Final = ROOT / "build" / "mutation"
SURVIVORS: Final = Path(__file__).with_name("survivors.toml")
PROCESSES: Final = 2
# Processor time that one run of the tests may take.
SECONDS: Final = 60
# The smallest share of mutants that tests notice.
SCORE: Final = 0.9
# The replacements that are tried: the nearest ones. `|` is a type's more often than an operator.
OPERATORS: Final = (
    "AddNot",
    "ExceptionReplacer",
    "NumberReplacer",
    "RemoveDecorator",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "ZeroIterationForLoop",
    "ReplaceUnaryOperator_(Delete_Not|Delete_USub|USub_UAdd|Delete_Invert)",
    "ReplaceBinaryOperator_(Add_Sub|Sub_Add|Mul_Div|Div_Mul|FloorDiv_Mul|Mod_Mul|Pow_Mul"
    "|BitAnd_BitOr)",
    "ReplaceComparisonOperator_(Eq_NotEq|NotEq_Eq|Is_IsNot|IsNot_Is|Lt_LtE|Lt_GtE|LtE_Lt|LtE_Gt"
    "|Gt_GtE|Gt_LtE|GtE_Gt|GtE_Lt)",
)
# The star of a signature is no operator, and that a record is frozen is a matter of types.
NO_MUTANTS: Final = re.compile(r"- *(?:@dataclass\(.*|def .*[(, ]\*, .*|\*,)")


@dataclass(frozen=True)
class Target:
    """A module, the tests that must notice its mutants, and what these import that takes long."""

    module: str
    tests: tuple[str, ...]
    imports: tuple[str, ...] = ("polars", "duckdb")
    options: tuple[str, ...] = ()


LEARNING: Final = ("polars", "scipy.stats", "sklearn.linear_model", "sklearn.metrics")
PUBLISHING: Final = tuple(
    f"publishing/test_{name}.py"
    for name in ("manifest", "manifest_damage", "publication", "overlap", "versions")
)
# `-k` leaves out what takes seconds, and the real loans, which a copy does not have.
TARGETS: Final = {
    "judgement": Target("streaming/judgement.py", ("streaming/test_judgement.py",)),
    "ledger": Target("streaming/ledger.py", ("streaming/test_ledger.py",)),
    "manifest": Target(
        "publishing/manifest.py", PUBLISHING, options=("-k", "not setting and not runs_all")
    ),
    "writer": Target(
        "publishing/writer.py",
        ("publishing/test_writer.py", "publishing/test_pieces.py"),
        options=("-k", "not any_order and not any_history"),
    ),
    "gates": Target("ml/gates.py", ("ml/test_gates.py",)),
    "decide": Target(
        "ml/decide.py",
        ("ml/test_decide.py", "ml/test_decide_money.py"),
        LEARNING,
        ("-k", "not million and not real"),
    ),
    "calibration": Target(
        "ml/calibration.py", ("ml/test_calibration.py",), (*LEARNING, "statsmodels.api")
    ),
    "change state": Target("changes/state.py", ("changes/test_state.py",)),
    "change plan": Target(
        "defs/change_plan.py",
        ("defs/test_changed.py", "defs/test_change_reasons.py"),
        ("polars", "dagster", "dagster_dbt", "exchange_calendars", "pyspark.sql"),
    ),
    # Each run starts a JVM.
    "session returns": Target(
        "spark/returns.py",
        ("spark/test_returns.py", "spark/test_golden_market.py", "spark/test_market_edges.py"),
        ("polars", "scipy.stats", "pyspark.sql.connect.session"),
        ("-p", "financial_pipeline_tests.spark.conftest", "-k", "test_returns or g1 or constant"),
    ),
}


@dataclass(frozen=True)
class Mutant:
    """A change that no test noticed: its line in the source, and what became of it."""

    operator: str
    line: int
    before: str
    after: str


def copied(target: Target, name: str) -> Path:
    """Return a fresh copy of the repository, with everything compiled but the module."""
    copy = TOOLS / "copies" / name.replace(" ", "_")
    shutil.rmtree(copy, ignore_errors=True)
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    for path in filter(None, listing.decode().split("\0")):
        if (ROOT / path).is_file():
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, copy / path)
    folders = {Path("financial_pipeline_tests", test).parent.as_posix() for test in target.tests}
    packages = ["financial_pipeline", *folders]
    subprocess.run([sys.executable, "-m", "compileall", "-q", *packages], cwd=copy, check=True)
    module = copy / "financial_pipeline" / target.module
    for path in (module.parent / "__pycache__").glob(f"{module.stem}.*"):
        path.unlink()
    return copy


def configuration(target: Target) -> str:
    """Return the configuration of cosmic-ray for a module."""
    excluded = json.dumps([f"core/(?!({'|'.join(OPERATORS)})$)"])
    return f"""[cosmic-ray]
module-path = "financial_pipeline/{target.module}"
timeout = {2 * PATIENCE * SECONDS}
excluded-modules = []
test-command = "sh ask.sh"
[cosmic-ray.distributor]
name = "local"
[cosmic-ray.filters.operators-filter]
exclude-operators = {excluded}
"""


@contextmanager
def warm_tests(target: Target, copy: Path) -> Iterator[None]:
    """Let a process run the tests of a module whenever `ask.sh` does."""
    prepare(copy)
    tests = [f"financial_pipeline_tests/{path}" for path in target.tests]
    options = ["-x", "-q", "-p", "no:cacheprovider", "--noconftest", *target.options, *tests]
    command = ["-m", "financial_pipeline_tests.warm_tests", str(SECONDS), ",".join(target.imports)]
    quick = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    quick |= {"PYTHONPATH": str(copy), "POLARS_MAX_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    server = subprocess.Popen(
        [sys.executable, *command, *options], cwd=copy, env=os.environ | quick
    )
    try:
        yield
    finally:
        server.kill()
        server.wait()


def results(target: Target, name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Run the tests on every mutant of a module; return the mutants with their results."""
    copy = copied(target, name)
    (copy / "mutation.toml").write_text(configuration(target))

    def run(tool: str, *arguments: str) -> str:
        command = [str(TOOLS / "bin" / tool), *arguments]
        return subprocess.run(command, cwd=copy, stdout=subprocess.PIPE, check=True).stdout.decode()

    with warm_tests(target, copy):
        run("cosmic-ray", "baseline", "mutation.toml")
        run("cosmic-ray", "init", "mutation.toml", "session.sqlite")
        run("cr-filter-operators", "session.sqlite", "mutation.toml")
        run("cosmic-ray", "exec", "mutation.toml", "session.sqlite")
    lines = run("cosmic-ray", "dump", "session.sqlite").splitlines()
    pairs = [json.loads(line) for line in lines]
    shutil.rmtree(copy)
    return [(item, done) for item, done in pairs if is_mutant(item, done)]


def is_mutant(item: dict[str, Any], done: dict[str, Any]) -> bool:
    """Return whether a change was made, and is one that tests can notice."""
    if done["worker_outcome"] == "skipped":
        return False
    return NO_MUTANTS.fullmatch(f"- {mutant(item, done).before}") is None


def mutant(item: dict[str, Any], done: dict[str, Any]) -> Mutant:
    """Return a mutant with its changed line."""
    (mutation,) = item["mutations"]
    changed = [line for line in done["diff"].splitlines() if re.match(r"[-+](?![-+]{2})", line)]
    before = " ".join(line[1:].strip() for line in changed if line[0] == "-").strip()
    after = " ".join(line[1:].strip() for line in changed if line[0] == "+").strip()
    name = mutation["operator_name"].removeprefix("core/")
    return Mutant(name, mutation["start_pos"][0], before, after)


def is_listed(found: Mutant, row: dict[str, Any]) -> bool:
    """Return whether a line of `survivors.toml` has a reason for a mutant."""
    return bool(row["before"] == found.before and found.after in row.get("after", [found.after]))


def report(name: str) -> Iterator[str]:
    """Yield the lines about a module: its score, and the mutants that no test noticed."""
    known = tomllib.loads(SURVIVORS.read_text("utf-8")).get(name, [])
    found = results(TARGETS[name], name)
    survivors = [mutant(*pair) for pair in found if pair[1]["test_outcome"] == "survived"]
    equal = [row for row in known if row.get("is_equivalent")]
    other = [each for each in survivors if not any(is_listed(each, row) for row in equal)]
    new = [each for each in other if not any(is_listed(each, row) for row in known)]
    count = len(found) - len(survivors) + len(other)
    score = 1 - len(other) / count
    yield f"| {name} | {count} | {len(other)} | {score:.1%} | {len(survivors) - len(other)} |"
    for each in new:
        yield f"{name}:{each.line} {each.operator}\n  - {each.before}\n  + {each.after}"
    if score < SCORE or new:
        yield f"FAILED: {name}"


def main(names: Sequence[str]) -> int:
    """Print the report of modules; return 1 if one of them has too few noticed mutants."""
    print(
        "| module | mutants | not noticed | score | without a difference |\n|---|---|---|---|---|"
    )
    has_failed = False
    with ThreadPoolExecutor(PROCESSES) as pool:
        for lines in pool.map(lambda name: [*report(name)], names or [*TARGETS]):
            print("\n".join(lines), flush=True)
            has_failed |= lines[-1].startswith("FAILED")
    return int(has_failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
