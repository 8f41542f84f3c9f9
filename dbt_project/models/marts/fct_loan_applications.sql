-- Columns known at origination only: nothing that the outcome leaks into.
-- noqa: disable=LT09
{{ config(
    tags=['loans'], materialized='incremental', incremental_strategy='window',
    incremental_predicates=['issue_month']
) }}
-- depends_on: {{ ref('fct_loans') }}

with loans as (

    select * from {{ ref('int_loan_borrowers') }}
    where {{ in_window('issue_month') }}

)

select
    {{ surrogate_key(['loan_id']) }} as loan_key,
    loan_id,
    issue_month,
    credit_policy_met,
    -- Class O: stated by the borrower, usable at application.
    loan_amnt, term, emp_length, home_ownership, annual_inc, verification_status, purpose,
    addr_state, dti, application_type, annual_inc_joint, dti_joint, verification_status_joint,
    issue_d,
    -- Class P: produced by the platform.
    int_rate, installment, grade, sub_grade, initial_list_status, disbursement_method,
    funded_amnt, funded_amnt_inv,
    -- Credit bureau.
    delinq_2yrs, earliest_cr_line, fico_range_low, fico_range_high, inq_last_6mths,
    mths_since_last_delinq, mths_since_last_record, open_acc, pub_rec, revol_bal, revol_util,
    total_acc, collections_12_mths_ex_med, acc_now_delinq, chargeoff_within_12_mths,
    delinq_amnt, pub_rec_bankruptcies, tax_liens,
    -- Credit bureau, since 2012.
    mths_since_last_major_derog, tot_coll_amt, tot_cur_bal, total_rev_hi_lim,
    acc_open_past_24mths, avg_cur_bal, bc_open_to_buy, bc_util, mo_sin_old_il_acct,
    mo_sin_old_rev_tl_op, mo_sin_rcnt_rev_tl_op, mo_sin_rcnt_tl, mort_acc, mths_since_recent_bc,
    mths_since_recent_bc_dlq, mths_since_recent_inq, mths_since_recent_revol_delinq,
    num_accts_ever_120_pd, num_actv_bc_tl, num_actv_rev_tl, num_bc_sats, num_bc_tl, num_il_tl,
    num_op_rev_tl, num_rev_accts, num_rev_tl_bal_gt_0, num_sats, num_tl_120dpd_2m, num_tl_30dpd,
    num_tl_90g_dpd_24m, num_tl_op_past_12m, pct_tl_nvr_dlq, percent_bc_gt_75, tot_hi_cred_lim,
    total_bal_ex_mort, total_bc_limit, total_il_high_credit_limit,
    -- Credit bureau, since 2015.
    open_acc_6m, open_act_il, open_il_12m, open_il_24m, mths_since_rcnt_il, total_bal_il,
    il_util, open_rv_12m, open_rv_24m, max_bal_bc, all_util, inq_fi, total_cu_tl, inq_last_12m,
    -- Second applicant.
    revol_bal_joint, sec_app_fico_range_low, sec_app_fico_range_high, sec_app_earliest_cr_line,
    sec_app_inq_last_6mths, sec_app_mort_acc, sec_app_open_acc, sec_app_revol_util,
    sec_app_open_act_il, sec_app_num_rev_accts, sec_app_chargeoff_within_12_mths,
    sec_app_collections_12_mths_ex_med, sec_app_mths_since_last_major_derog,
    emp_length_missing,
    income_effective,
    dti_effective,
    fico_midpoint
from loans
