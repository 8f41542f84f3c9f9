"""The cases of loan files with their right outcomes."""

from typing import Any, Final

from financial_pipeline_tests.cases.table import Case

LOANS: Final = "select count(distinct loan_id) from marts.fct_loans"
NEWEST: Final = "select max(snapshot_month)::varchar from marts.fct_loan_performance_monthly"


def _read(folder: str, loans: int, expected: str, **more: Any) -> Case:
    return Case(f"loans/{folder}", expected, ((LOANS, loans),), **more)


def _refused(folder: str, *texts: str) -> Case:
    return Case(f"loans/{folder}", "refused in one sentence", texts=texts, exit_code=1)


CASES: Final = (
    _read("F01_loan_csv_2015_74col", 1_000, "read: aliases mapped"),
    _read("F05_R_write_csv", 600, "read"),
    _read("F07_spark_folder", 600, "read"),
    _read("F09_wordsforthewise_csv_and_gz", 600, "read once"),
    _read("F11_desktop_ini", 600, "system files ignored", texts=("ignored: desktop.ini",)),
    _read("F11_xz", 600, "read"),
    _read("F12a_iso_dates", 600, "read"),
    _read("F12h_one_typo_year_2091", 599, "quarantined", texts=("date_after_snapshot 1",)),
    _read("F12k_one_typo_2021", 599, "quarantined", texts=("date_after_snapshot 1",)),
    _read("F16c_extra_target_column", 600, "read with a remark"),
    _read("F16e_without_credit_pull", 600, "read with a remark"),
    _read("F18j_one_loan_money_off_by_5", 599, "quarantined", texts=("payments_do_not_add_up 1",)),
    _read("F18l_fico_zero", 599, "quarantined", texts=("fico_out_of_range 1",)),
    _read("F20b_concat_twice_without_ids", 600, "600 duplicates", texts=("duplicate 600",)),
    _read("S3a_reissue_one_loan", 2_000, "the later arrival wins", texts=("superseded 1",)),
    _read("S3b_reissue_5pct", 2_000, "the later arrival wins", texts=("superseded 100",)),
    _read("S4b_two_forms_without_url_member", 2_000, "one loan each", texts=("duplicate 116",)),
    _refused("F10d_zip_encrypted", "is an encrypted archive"),
    _refused("F10f_zip_deflate64", "Deflate64"),
    _refused("F18c_ids_scientific", "id_in_scientific_notation 600"),
    *(
        Case(
            f"loans/{folder}",
            "published; the model has its reason",
            ((f"select {query}", True),),
            analytics=True,
        )
        for folder, query in (
            ("M12_low_default_half_percent", "count(*) > 4000 from marts.fct_loans"),
            ("M17_prime_1120_loans", "count(*) > 1000 from marts.fct_loans"),
            ("M18_outcome_is_noise", "count(*) > 0 from ml.gates where not passed"),
        )
    ),
)
