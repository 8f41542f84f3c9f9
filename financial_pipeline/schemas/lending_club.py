"""The 151 columns of the Lending Club accepted-loans file, in upstream order, classified and typed.

Classes: O usable at application, P produced by the platform at origination, X known only
afterwards (leaks the outcome), I identifier, free text or constant.
"""

from datetime import date
from typing import Final

LOAN_COLUMNS: Final[tuple[str, ...]] = tuple(
    """
    id member_id loan_amnt funded_amnt funded_amnt_inv term int_rate installment grade sub_grade
    emp_title emp_length home_ownership annual_inc verification_status issue_d loan_status
    pymnt_plan url desc purpose title zip_code addr_state dti delinq_2yrs earliest_cr_line
    fico_range_low fico_range_high inq_last_6mths mths_since_last_delinq mths_since_last_record
    open_acc pub_rec revol_bal revol_util total_acc initial_list_status out_prncp out_prncp_inv
    total_pymnt total_pymnt_inv total_rec_prncp total_rec_int total_rec_late_fee recoveries
    collection_recovery_fee last_pymnt_d last_pymnt_amnt next_pymnt_d last_credit_pull_d
    last_fico_range_high last_fico_range_low collections_12_mths_ex_med
    mths_since_last_major_derog policy_code application_type annual_inc_joint dti_joint
    verification_status_joint acc_now_delinq tot_coll_amt tot_cur_bal open_acc_6m open_act_il
    open_il_12m open_il_24m mths_since_rcnt_il total_bal_il il_util open_rv_12m open_rv_24m
    max_bal_bc all_util total_rev_hi_lim inq_fi total_cu_tl inq_last_12m acc_open_past_24mths
    avg_cur_bal bc_open_to_buy bc_util chargeoff_within_12_mths delinq_amnt mo_sin_old_il_acct
    mo_sin_old_rev_tl_op mo_sin_rcnt_rev_tl_op mo_sin_rcnt_tl mort_acc mths_since_recent_bc
    mths_since_recent_bc_dlq mths_since_recent_inq mths_since_recent_revol_delinq
    num_accts_ever_120_pd num_actv_bc_tl num_actv_rev_tl num_bc_sats num_bc_tl num_il_tl
    num_op_rev_tl num_rev_accts num_rev_tl_bal_gt_0 num_sats num_tl_120dpd_2m num_tl_30dpd
    num_tl_90g_dpd_24m num_tl_op_past_12m pct_tl_nvr_dlq percent_bc_gt_75 pub_rec_bankruptcies
    tax_liens tot_hi_cred_lim total_bal_ex_mort total_bc_limit total_il_high_credit_limit
    revol_bal_joint sec_app_fico_range_low sec_app_fico_range_high sec_app_earliest_cr_line
    sec_app_inq_last_6mths sec_app_mort_acc sec_app_open_acc sec_app_revol_util
    sec_app_open_act_il sec_app_num_rev_accts sec_app_chargeoff_within_12_mths
    sec_app_collections_12_mths_ex_med sec_app_mths_since_last_major_derog hardship_flag
    hardship_type hardship_reason hardship_status deferral_term hardship_amount
    hardship_start_date hardship_end_date payment_plan_start_date hardship_length hardship_dpd
    hardship_loan_status orig_projected_additional_accrued_interest
    hardship_payoff_balance_amount hardship_last_payment_amount disbursement_method
    debt_settlement_flag debt_settlement_flag_date settlement_status settlement_date
    settlement_amount settlement_percentage settlement_term
    """.split()
)

IDENTIFIERS: Final = frozenset("id member_id url desc title emp_title zip_code policy_code".split())
APPLICATION: Final = frozenset(
    """
    loan_amnt term emp_length home_ownership annual_inc verification_status purpose addr_state
    dti application_type annual_inc_joint dti_joint verification_status_joint issue_d
    """.split()
)
PLATFORM: Final = frozenset(
    """
    int_rate installment grade sub_grade initial_list_status disbursement_method funded_amnt
    funded_amnt_inv
    """.split()
)
BUREAU_CORE: Final = frozenset(
    """
    delinq_2yrs earliest_cr_line fico_range_low fico_range_high inq_last_6mths
    mths_since_last_delinq mths_since_last_record open_acc pub_rec revol_bal revol_util total_acc
    collections_12_mths_ex_med acc_now_delinq chargeoff_within_12_mths delinq_amnt
    pub_rec_bankruptcies tax_liens
    """.split()
)
# Empty before 2012, filled from 2013 on.
BUREAU_2012: Final = frozenset(
    """
    mths_since_last_major_derog tot_coll_amt tot_cur_bal total_rev_hi_lim acc_open_past_24mths
    avg_cur_bal bc_open_to_buy bc_util mo_sin_old_il_acct mo_sin_old_rev_tl_op
    mo_sin_rcnt_rev_tl_op mo_sin_rcnt_tl mort_acc mths_since_recent_bc mths_since_recent_bc_dlq
    mths_since_recent_inq mths_since_recent_revol_delinq num_accts_ever_120_pd num_actv_bc_tl
    num_actv_rev_tl num_bc_sats num_bc_tl num_il_tl num_op_rev_tl num_rev_accts
    num_rev_tl_bal_gt_0 num_sats num_tl_120dpd_2m num_tl_30dpd num_tl_90g_dpd_24m
    num_tl_op_past_12m pct_tl_nvr_dlq percent_bc_gt_75 tot_hi_cred_lim total_bal_ex_mort
    total_bc_limit total_il_high_credit_limit
    """.split()
)
# Exists from December 2015 on.
BUREAU_2015: Final = frozenset(
    """
    open_acc_6m open_act_il open_il_12m open_il_24m mths_since_rcnt_il total_bal_il il_util
    open_rv_12m open_rv_24m max_bal_bc all_util inq_fi total_cu_tl inq_last_12m
    """.split()
)
SECOND_APPLICANT: Final = frozenset(
    """
    revol_bal_joint sec_app_fico_range_low sec_app_fico_range_high sec_app_earliest_cr_line
    sec_app_inq_last_6mths sec_app_mort_acc sec_app_open_acc sec_app_revol_util
    sec_app_open_act_il sec_app_num_rev_accts sec_app_chargeoff_within_12_mths
    sec_app_collections_12_mths_ex_med sec_app_mths_since_last_major_derog
    """.split()
)
PERFORMANCE: Final = frozenset(
    """
    loan_status pymnt_plan out_prncp out_prncp_inv total_pymnt total_pymnt_inv total_rec_prncp
    total_rec_int total_rec_late_fee recoveries collection_recovery_fee last_pymnt_d
    last_pymnt_amnt next_pymnt_d last_credit_pull_d last_fico_range_high last_fico_range_low
    """.split()
)
HARDSHIP: Final = frozenset(
    """
    hardship_flag hardship_type hardship_reason hardship_status deferral_term hardship_amount
    hardship_start_date hardship_end_date payment_plan_start_date hardship_length hardship_dpd
    hardship_loan_status orig_projected_additional_accrued_interest
    hardship_payoff_balance_amount hardship_last_payment_amount
    """.split()
)
SETTLEMENT: Final = frozenset(
    """
    debt_settlement_flag debt_settlement_flag_date settlement_status settlement_date
    settlement_amount settlement_percentage settlement_term
    """.split()
)

CLASS_O: Final = APPLICATION | BUREAU_CORE | BUREAU_2012 | BUREAU_2015 | SECOND_APPLICANT
CLASS_P: Final = PLATFORM
CLASS_X: Final = PERFORMANCE | HARDSHIP | SETTLEMENT
CLASS_I: Final = IDENTIFIERS

# Every month as upstream writes it, to the first of the month. What is not here is no date:
# spreadsheets turn "Dec-2018" into "18-Dec", and neither year nor day can be derived from that.
UPSTREAM_MONTHS: Final[dict[str, date]] = {
    f"{name}-{year}": date(year, number, 1)
    for year in range(1900, 2100)
    for number, name in enumerate(
        "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), start=1
    )
}

# Month-precision dates, upstream form "Dec-2015"; stored as the first of the month.
MONTH_COLUMNS: Final = frozenset(
    """
    issue_d earliest_cr_line last_pymnt_d next_pymnt_d last_credit_pull_d
    sec_app_earliest_cr_line hardship_start_date hardship_end_date payment_plan_start_date
    debt_settlement_flag_date settlement_date
    """.split()
)
TEXT_COLUMNS: Final = frozenset(
    """
    id member_id grade sub_grade emp_title home_ownership verification_status loan_status
    pymnt_plan url desc purpose title zip_code addr_state initial_list_status application_type
    verification_status_joint hardship_flag hardship_type hardship_reason hardship_status
    hardship_loan_status disbursement_method debt_settlement_flag settlement_status
    """.split()
)
# Dollars with cents and other real numbers; int_rate is stored as a fraction, dti and the
# utilisation columns stay in per cent as upstream writes them.
REAL_COLUMNS: Final = frozenset(
    """
    loan_amnt funded_amnt funded_amnt_inv int_rate installment annual_inc dti revol_util out_prncp
    out_prncp_inv total_pymnt total_pymnt_inv total_rec_prncp total_rec_int total_rec_late_fee
    recoveries collection_recovery_fee last_pymnt_amnt annual_inc_joint dti_joint il_util all_util
    bc_util pct_tl_nvr_dlq percent_bc_gt_75 sec_app_revol_util hardship_amount
    orig_projected_additional_accrued_interest hardship_payoff_balance_amount
    hardship_last_payment_amount settlement_amount settlement_percentage
    """.split()
)
# Whatever is left counts something: upstream may write 5.0, staging stores an integer.
# emp_length is years (0 for "< 1 year", 10 for "10+ years"), term is months (36 or 60).
INTEGER_COLUMNS: Final = frozenset(LOAN_COLUMNS) - MONTH_COLUMNS - TEXT_COLUMNS - REAL_COLUMNS

REJECTION_COLUMNS: Final[tuple[str, ...]] = (
    "Amount Requested",
    "Application Date",
    "Loan Title",
    "Risk_Score",
    "Debt-To-Income Ratio",
    "Zip Code",
    "State",
    "Employment Length",
    "Policy Code",
)
