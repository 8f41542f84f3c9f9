"""The cases of loan files with their right outcomes."""

from typing import Any, Final

from financial_pipeline_tests.cases.table import Case

LOANS: Final = "select count(distinct loan_id) from marts.fct_loans"
SNAPSHOT: Final = "select max(snapshot_month)::varchar from marts.fct_loans"
MATURED: Final = "select count(default_d1) from marts.fct_loans"
DEFAULTS: Final = "select sum(default_d1::int)::int from marts.fct_loans"
CORRECTED: Final = (
    "select count(*) from marts.loan_restatements where field = 'annual_inc'"
    " and new_value::double = 77777"
)
FAILED_GATES: Final = "select count(*) > 0 from ml.gates where not passed"
SCORES: Final = "select count(*) from duckdb_views() where view_name = 'scores'"
D1_BY_GRADE: Final = (
    "select sum({})::int from metrics.default_rates_by_grade where definition = 'D1'"
)
# The loans of most folders: matured by March 2019, and defaulted among them.
USUAL: Final = ("2019-03-01", 215, 38)
# The one with the typing error is a matured loan that was paid.
ONE_LESS: Final = ("2019-03-01", 214, 38)
LARGE: Final = ("2019-03-01", 710, 101)


def _read(
    folder: str,
    loans: int,
    expected: str,
    *texts: str,
    matured: tuple[str, int, int] = USUAL,
    more: tuple[tuple[str, Any], ...] = (),
) -> Case:
    values = (loans, *matured)
    figures = zip((LOANS, SNAPSHOT, MATURED, DEFAULTS), values, strict=True)
    return Case(f"loans/{folder}", expected, (*figures, *more), texts)


def _refused(folder: str, *texts: str) -> Case:
    return Case(f"loans/{folder}", "refused in one sentence", texts=texts, exit_code=1)


def _not_served(
    folder: str, loans: int, defaults: int, gate: str, expected: str, *texts: str
) -> Case:
    """Everything is published but scores, and a gate says why."""
    figures = (
        (LOANS, loans),
        (D1_BY_GRADE.format("loans"), loans),
        (D1_BY_GRADE.format("defaults"), defaults),
        (FAILED_GATES, True),
        (f"{FAILED_GATES} and gate = '{gate}'", True),
        (SCORES, 0),
    )
    return Case(f"loans/{folder}", expected, figures, texts, analytics=True)


CASES: Final = (
    _read(
        "F01_loan_csv_2015_74col",
        1_000,
        "read: aliases mapped",
        "open_il_6m is read as open_act_il",
        matured=("2016-01-01", 75, 10),
    ),
    _read("F05_R_write_csv", 600, "read"),
    _read("F07_spark_folder", 600, "read"),
    _read(
        "F09_wordsforthewise_csv_and_gz",
        600,
        "read once, the copy is named",
        "are in another file",
        more=(("select count(*) from marts.fct_loan_rejections", 699),),
    ),
    _read("F11_desktop_ini", 600, "system files ignored", "ignored: desktop.ini"),
    _read("F11_xz", 600, "read"),
    _read("F12a_iso_dates", 600, "read"),
    _read(
        "F12h_one_typo_year_2091",
        599,
        "quarantined",
        "date_after_snapshot 1",
        matured=ONE_LESS,
    ),
    _read(
        "F12k_one_typo_2021",
        599,
        "quarantined",
        "date_after_snapshot 1",
        matured=ONE_LESS,
    ),
    _read("F16c_extra_target_column", 600, "read with a remark", "ignored: 'default'"),
    _read("F16e_without_credit_pull", 600, "read with a remark", "'last_credit_pull_d'"),
    _read("F18j_one_loan_money_off_by_5", 599, "quarantined", "payments_do_not_add_up 1"),
    _read("F18l_fico_zero", 599, "quarantined", "fico_out_of_range 1"),
    _read("F20b_concat_twice_without_ids", 600, "600 duplicates", "duplicate 600"),
    _read(
        "S3a_reissue_one_loan",
        2_000,
        "the later arrival wins",
        "superseded 1",
        matured=LARGE,
        more=((CORRECTED, 1),),
    ),
    _read(
        "S3b_reissue_5pct",
        2_000,
        "the later arrival wins",
        "superseded 100",
        matured=LARGE,
        more=((CORRECTED, 100),),
    ),
    _read(
        "S4b_two_forms_without_url_member",
        2_000,
        "one loan each",
        "duplicate 116",
        matured=LARGE,
    ),
    _refused("F10d_zip_encrypted", "is an encrypted archive"),
    _refused("F10f_zip_deflate64", "Deflate64"),
    _refused("F18c_ids_scientific", "id_in_scientific_notation 600"),
    _not_served(
        "M12_low_default_half_percent",
        5_000,
        20,
        "test_events",
        "published; too few defaults for a model",
    ),
    _not_served(
        "M17_prime_1120_loans",
        1_120,
        44,
        "test_events",
        "published; too few defaults for a model",
    ),
    _not_served(
        "M18_outcome_is_noise",
        4_000,
        570,
        "auc_floor",
        "published; not served below the floor",
    ),
)
