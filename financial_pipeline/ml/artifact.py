"""The model on disk: written so that loading runs no code from the file, and refused if touched.

An artifact is a folder named by its hash: skops files (never a bare pickle), the scorecard as JSON
and SQL, and `artifact.json` with the SHA-256 of each. Equal models give equal bytes.
"""

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import polars as pl
from pydantic import TypeAdapter

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import DISK, move_folder
from financial_pipeline.ml.features import FEATURE_SETS
from financial_pipeline.ml.scorecard import Scorecard
from financial_pipeline.ml.scorecard_sql import scorecard_sql
from financial_pipeline.ml.threads import each
from financial_pipeline.ml.train import DefaultModel, Models

CONTENTS: Final = "artifact.json"
SCORECARD: Final = TypeAdapter(Scorecard)
# Types that a file may name in addition to those that skops trusts.
TRUSTED_TYPES: Final = (
    "financial_pipeline.ml.preparation.LevelCoder",
    "financial_pipeline.ml.preparation.QuantileClipper",
    "numpy.dtype",
)
# Zip entries carry a date; a fixed one keeps equal models equal.
ZIP_DATE: Final = (1980, 1, 1, 0, 0, 0)


def save_artifact(
    folder: Path,
    models: Models,
    card: Scorecard | None,
    facts: Mapping[str, object],
) -> str:
    """Write an artifact below `folder`, as `<hash>/`, and return the hash.

    `facts` is JSON (cut-off, seed, data it was built from, library versions). The folder appears
    in one rename; one that exists already is left as it is.
    """
    files = {f"{name}.skops": _model_bytes(model) for name, model in models.items()}
    if card is not None:
        files["scorecard.json"] = _json(asdict(card))
        files["scorecard.sql"] = scorecard_sql(card).encode()
    described = {name: _describe(model) for name, model in models.items()}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    contents = _json({"facts": facts, "models": described, "files": hashes})
    artifact = hashlib.sha256(contents).hexdigest()
    target, temporary = folder / artifact, folder / f".{artifact}.{os.getpid()}"
    if not target.exists():
        DISK.remove(temporary)
        temporary.mkdir(parents=True)
        for name, content in {**files, CONTENTS: contents}.items():
            DISK.write(temporary / name, content)
        move_folder(temporary, target)
    return artifact


def read_contents(folder: Path, artifact: str) -> dict[str, Any]:
    """Read `artifact.json`, after checking it and every file against the hashes.

    Raises PipelineError if the folder is missing or a byte differs.
    """
    place = folder / artifact
    try:
        content = (place / CONTENTS).read_bytes()
    except FileNotFoundError:
        raise PipelineError(
            f"The model artifact {artifact[:12]} is not under {folder}; train it again."
        ) from None
    _check_hash(place / CONTENTS, content, artifact)
    contents: dict[str, Any] = json.loads(content)
    for name, expected in contents["files"].items():
        _check_hash(place / name, (place / name).read_bytes(), expected)
    return contents


def load_model(folder: Path, artifact: str, name: str) -> DefaultModel:
    """One model of an artifact; refused if the artifact was touched or names an unknown type."""
    import skops.io as skops_io

    described = read_contents(folder, artifact)["models"][name]
    content = (folder / artifact / f"{name}.skops").read_bytes()
    unknown = set(skops_io.get_untrusted_types(data=content)) - set(TRUSTED_TYPES)
    if unknown:
        raise PipelineError(
            f"The model artifact {artifact[:12]} names types that are not trusted "
            f"({', '.join(sorted(unknown))}), so it is not loaded; train it again."
        )
    pipeline = skops_io.loads(content, trusted=list(TRUSTED_TYPES))
    described["features"] = tuple(described["features"])
    return DefaultModel(pipeline=pipeline, **described)


def load_models(folder: Path, artifact: str) -> dict[str, DefaultModel]:
    """Both models of an artifact, each as `load_model` gives it."""
    return {name: load_model(folder, artifact, name) for name in FEATURE_SETS}


def loads_the_same(folder: Path, artifact: str, models: Models, frame: pl.DataFrame) -> bool:
    """Whether the stored models give every row of `frame` the probability of the fitted ones."""
    loaded = load_models(folder, artifact)

    def is_same(name: str) -> bool:
        return bool((loaded[name].predict(frame) == models[name].predict(frame)).all())

    return all(each(is_same, models))


def load_scorecard(folder: Path, artifact: str) -> Scorecard:
    """The scorecard of an artifact, after the hashes are checked."""
    read_contents(folder, artifact)
    return SCORECARD.validate_json((folder / artifact / "scorecard.json").read_bytes())


def scorecard_query(folder: Path, artifact: str) -> str:
    """The scorecard of an artifact as SQL, after the hashes are checked."""
    read_contents(folder, artifact)
    return (folder / artifact / "scorecard.sql").read_text("utf-8")


def _describe(model: DefaultModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "features": list(model.features),
        "training_loans": model.training_loans,
        "training_defaults": model.training_defaults,
        "absent": dict(model.absent),
        "average_log_odds": dict(model.average_log_odds),
    }


def _model_bytes(model: DefaultModel) -> bytes:
    """The pipeline in skops form, with object ids numbered and dates fixed.

    skops names parts by memory address, which differs from process to process.
    """
    import skops.io as skops_io

    with zipfile.ZipFile(io.BytesIO(skops_io.dumps(model.pipeline))) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    schema = parts.pop("schema.json").decode()
    numbers: dict[str, str] = {}
    for address in re.findall(r'"__id__": (\d+)', schema):
        numbers.setdefault(address, str(len(numbers)))
    schema = re.sub(r'("__id__": )(\d+)', lambda found: found[1] + numbers[found[2]], schema)
    schema = re.sub(r'"(\d+)\.npy"', lambda found: f'"{numbers[found[1]]}.npy"', schema)
    renamed = {f"{numbers[Path(name).stem]}.npy": content for name, content in parts.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, content in sorted({**renamed, "schema.json": schema.encode()}.items()):
            target.writestr(zipfile.ZipInfo(name, ZIP_DATE), content)
    return buffer.getvalue()


def _json(content: object) -> bytes:
    return json.dumps(content, indent=1, sort_keys=True, default=str).encode()


def _check_hash(path: Path, content: bytes, expected: str) -> None:
    if hashlib.sha256(content).hexdigest() != expected:
        raise PipelineError(
            f"The file {path.name} of the model artifact {path.parent.name[:12]} was changed after "
            "it was written (its SHA-256 differs), so it is not loaded; train the model again."
        )
