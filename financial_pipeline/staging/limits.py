"""When a raw file is refused: too many rows that break a rule, or files that cannot be combined."""

from collections.abc import Mapping, Sequence
from itertools import combinations

from financial_pipeline.errors import RefusedFile
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.settings import Settings
from financial_pipeline.sources.lending_club import WITHOUT_IDS


def refuse_dirty_file(
    file: RawFile, refused: Mapping[str, int], sound: int, settings: Settings
) -> None:
    """Raise RefusedFile where the share of refused rows is above the limit.

    `refused` maps a reason to its rows; `sound` counts the rows that broke no rule.
    """
    broken = sum(refused.values())
    total = broken + sound
    if total and broken <= settings.max_quarantine_share * total:
        return
    reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in sorted(refused.items()))
    raise RefusedFile(
        file.sha256,
        f"{file.landed.path} is refused: {broken:,} of its {total:,} rows break a rule"
        f" ({reasons or 'no rows at all'}), more than the {settings.max_quarantine_share:.1%} that"
        " may; nothing of it is used: repair or replace the file.",
    )


def refuse_mixed_ids(files: Sequence[RawFile]) -> None:
    """Raise RefusedFile where a file without loan ids covers issue months of one with ids.

    The same loan would count twice: its fingerprint cannot be matched to an id.
    """
    for one, other in combinations(files, 2):
        without, holding = (one, other) if one.landed.form.endswith(WITHOUT_IDS) else (other, one)
        if holding.landed.form.endswith(WITHOUT_IDS) or not without.landed.form.endswith(
            WITHOUT_IDS
        ):
            continue
        if (
            without.landed.first_date <= holding.landed.last_date
            and holding.landed.first_date <= without.landed.last_date
        ):
            raise RefusedFile(
                without.sha256,
                f"{without.landed.path} has no loan ids but covers issue months that"
                f" {holding.landed.path} holds with ids, so the same loans would count twice;"
                " keep one of the two files.",
            )
