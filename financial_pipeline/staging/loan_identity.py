"""Whether loan files name the same loans by the same ids, within a file and over all snapshots.

Loans are matched by id, or by fingerprint in files without ids. Ids that name other loans elsewhere
would hide loans; the same loans under other ids would count twice.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from financial_pipeline.errors import RefusedFile
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.sources.lending_club import WITHOUT_IDS
from financial_pipeline.staging.loan_keys import comparable

# Never corrected by upstream: if most loans differ here, the same ids name other loans.
IDENTITY: Final = ("issue_d", "term", "loan_amnt")
MOST_CHANGED_IDENTITIES: Final = 0.5
# Two loans hardly ever agree in all of these columns; without the last ones they may.
DISTINCT: Final = ("annual_inc", "revol_bal", "earliest_cr_line")
FINGERPRINT: Final = (*IDENTITY, "int_rate", "installment", *DISTINCT)
# The same for loans with a longer fingerprint, some parts of which a later file may restate.
ALIKE: Final = (*IDENTITY, "int_rate", "installment", "sub_grade", "zip_code", "earliest_cr_line")
# The position of a file in the order of arrival.
FILE: Final = "file"
# The second loan of a fingerprint in its file.
SECOND: Final = "-2"
UNDER_OTHER_IDS: Final = (
    "are in another file, or twice in this one, under other ids, so they would count twice; correct"
    " the ids or withdraw the other file"
)
WITH_OTHER_OUTCOMES: Final = (
    "are in it before, equal at origination and otherwise not, as in two snapshots in one file, so"
    " they would count twice; put each snapshot into a file of its own"
)


def judge_identities(
    files: Iterable[tuple[RawFile, Sequence[Path]]], most_repeated: float
) -> list[str]:
    """Return a sentence for each file whose loans without ids others seem to state otherwise.

    `files` are all loan files with their fragments, in order of arrival. Raises RefusedFile for a
    file whose ids name other loans in earlier files, and for one of which a larger share of loans
    than `most_repeated` has other ids there or is in it twice.
    """
    known = pl.DataFrame(schema=dict.fromkeys(("loan", "identity", "key", FILE), pl.UInt64()))
    doubts, earlier = [], list[RawFile]()
    for file, fragments in files:
        if not fragments:
            continue
        has_ids = not file.landed.form.endswith(WITHOUT_IDS)
        rows = _keys(fragments, FINGERPRINT if has_ids else ALIKE)
        rows = rows.with_columns(file=pl.lit(len(earlier), pl.UInt64()))
        earlier.append(file)
        _refuse_other_loans(file, rows, known, earlier)
        new = rows.join(known, on="loan", how="anti")
        # A loan that is in both files explains why keys agree.
        gone = known.join(rows, on="loan", how="anti")
        is_known = pl.col("key").is_in(gone["key"].implode())
        if has_ids:
            is_repeated = pl.col("key").is_not_null() & pl.col("key").is_duplicated()
            twice = new.filter(is_known | is_repeated).height
            elsewhere = gone.join(new.filter(is_known), on="key", how="semi")
            reason = UNDER_OTHER_IDS + _withdrawal(elsewhere[FILE], earlier)
            _refuse_repeated(file, twice, rows.height, most_repeated, reason)
        else:
            twice = rows.filter("is_second").height
            _refuse_repeated(file, twice, rows.height, most_repeated, WITH_OTHER_OUTCOMES)
            if alike := new.filter(is_known).height:
                doubts.append(_alike(file, alike, rows.height))
        known = pl.concat([known, new.select(known.columns)])
    return doubts


def _keys(fragments: Sequence[Path], columns: Sequence[str]) -> pl.DataFrame:
    """Digests of the id, of the identity and of `columns`; the last is null without all of them."""
    digests = {
        "loan": pl.col("loan_id").hash(),
        "identity": pl.struct(map(comparable, IDENTITY)).hash(),
        "key": pl.when(pl.all_horizontal(pl.col(columns).is_not_null())).then(
            pl.struct(map(comparable, columns)).hash()
        ),
        "is_second": pl.col("loan_id").str.ends_with(SECOND),
    }
    return pl.scan_parquet(list(fragments)).select(**digests).collect(engine="streaming")


def _withdrawal(places: pl.Series, files: Sequence[RawFile]) -> str:
    """Name the file that most of these loans are in, and the command that leaves it out."""
    if places.is_empty():
        return ""
    other = files[places.mode().min()]  # type: ignore[index]
    name = other.landed.path.name
    return f" (`financial-pipeline withdraw {other.sha256[:12]}` leaves out {name})"


def _refuse_other_loans(
    file: RawFile, rows: pl.DataFrame, known: pl.DataFrame, files: Sequence[RawFile]
) -> None:
    """Refuse a file if most of the loans that it shares have another identity there."""
    shared = rows.join(known, on="loan")
    other = shared.filter(pl.col("identity") != pl.col("identity_right"))
    changed = other.height
    if changed > 1 and changed > MOST_CHANGED_IDENTITIES * shared.height:
        raise RefusedFile(
            file.sha256,
            f"{file.landed.path} is refused: {changed:,} of the {shared.height:,} loans that it"
            " shares with other files have another issue month, term or amount there, so its ids"
            " name other loans; correct the ids or withdraw the other file"
            f"{_withdrawal(other['file_right'], files)}.",
        )


def _refuse_repeated(file: RawFile, twice: int, loans: int, most: float, reason: str) -> None:
    """Refuse a file if more than a few of its loans would count twice."""
    if twice > 1 and twice > most * loans:
        raise RefusedFile(
            file.sha256,
            f"{file.landed.path} is refused: {twice:,} of its {loans:,} loans {reason}.",
        )


def _alike(file: RawFile, alike: int, loans: int) -> str:
    return (
        f"{file.landed.path.name}: {alike:,} of its {loans:,} loans agree with a loan of another"
        " file in issue month, term, amount, rate, installment, sub grade, zip code and first"
        " credit line, but not in all columns; without ids, such loans may count twice."
    )
