"""The inputs of a job's partitions: the raw files of its dataset, and one staging table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from financial_pipeline.changes.file_hashes import (
    content_hashes,
    dataset_digest,
    read_hashes,
    write_hashes,
)
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive, withdrawals
from financial_pipeline.schemas.raw import RAW_DATASETS, LandedFile, RawFile
from financial_pipeline.settings import Settings
from financial_pipeline.staging import fred, prices

# Raw files -> the content hash of each staging partition up to a last one, none of them written.
Hashes = Callable[[Paths, Sequence[RawFile], Settings, date], dict[str, str]]


@dataclass(frozen=True)
class Follows:
    """The staging table that a job's partitions follow: only their rows can differ."""

    dataset: str
    family: str
    # The job that builds the marts of the family, for a job that reads them.
    after: str | None = None
    # Whether a change of one partition reaches all later ones.
    reaches_later: bool = True
    # For a dataset that is small enough to be read before its staging table is written.
    hashes: Hashes | None = None


FOLLOWS: Final = {
    "prices_job": Follows("staging/bank_prices", "prices", hashes=prices.staged_hashes),
    "market_metrics_job": Follows("staging/bank_prices", "prices", after="prices_job"),
    "macro_job": Follows("staging/fred_observations", "macro", hashes=fred.staged_hashes),
    "loans_job": Follows("staging/lending_club_loans", "loans", reaches_later=False),
    "default_rates_job": Follows(
        "staging/lending_club_loans", "loans", after="loans_job", reaches_later=False
    ),
    "rejections_job": Follows("staging/lending_club_rejections", "rejections", reaches_later=False),
}


def raw_digests(
    paths: Paths, landed: Sequence[LandedFile], *, is_preview: bool = False
) -> dict[str, str]:
    """Return the digest of the raw files of each dataset, once the landed ones are archived."""
    hashes = content_hashes([file.path for file in landed], read_hashes(paths))
    if landed and not is_preview:
        write_hashes(paths, hashes)
    digests, withdrawn = {}, withdrawals.withdrawn(paths)
    for dataset in RAW_DATASETS:
        coming = [file for file in landed if file.dataset == dataset]
        # Includes refused files: a refusal does not change the dropped files.
        archived = archive.read_raw_files(paths, dataset)
        digests[dataset] = dataset_digest(archived, coming, hashes, withdrawn)
    return digests
