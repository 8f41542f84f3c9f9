"""A writer that replaces the manifest in place, slowly: what the drills must notice."""

import json
import sys
import time
from pathlib import Path

from financial_pipeline.drills import runs
from financial_pipeline.publishing import manifest

PAUSE_SECONDS = 0.2


def in_place(target: Path, content: object) -> None:
    """Write a JSON file in two halves."""
    target.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, default=str)
    with target.open("w") as file:
        file.write(text[: len(text) // 2])
        file.flush()
        time.sleep(PAUSE_SECONDS)
        file.write(text[len(text) // 2 :])


if __name__ == "__main__":
    manifest.replace_json = in_place
    runs.publish_for_ever(Path(sys.argv[1]))
