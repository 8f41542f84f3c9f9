"""Constants of the bureau columns: quantiles, shares, and where values are missing.

Null shares by vintage follow methodology 1.2: the columns of 2012 came in three waves that year,
those of 2015 in December 2015.
"""

from typing import Final

import numpy as np

# Probabilities at which the quantiles below are given.
PROBABILITIES: Final = np.array([0.0, 0.25, 0.50, 0.75, 0.95, 0.99, 1.0])
# Independent whole numbers, by quantile.
QUANTILES: Final[dict[str, tuple[float, ...]]] = {
    # Of those without a delinquency in the last two years.
    "mths_since_last_delinq": (25, 36, 47, 60, 77, 83, 120),
    "mths_since_last_record": (1, 51, 69, 92, 110, 117, 120),
    "mths_since_last_major_derog": (0, 27, 44, 62, 77, 83, 110),
    "mths_since_rcnt_il": (0, 7, 13, 24, 70, 140, 300),
    "mo_sin_old_il_acct": (1, 97, 130, 152, 205, 260, 400),
    "mo_sin_old_rev_tl_op": (4, 116, 164, 232, 352, 455, 700),
    "mo_sin_rcnt_rev_tl_op": (0, 4, 8, 17, 46, 95, 250),
    "mo_sin_rcnt_tl": (0, 3, 6, 11, 24, 45, 150),
    "mths_since_recent_bc": (0, 6, 14, 30, 90, 150, 300),
    "mths_since_recent_bc_dlq": (0, 21, 37, 57, 76, 83, 120),
    "mths_since_recent_inq": (0, 2, 5, 11, 20, 23, 25),
    "mths_since_recent_revol_delinq": (0, 17, 33, 51, 75, 83, 120),
    "il_util": (0, 55, 72, 86, 101, 118, 160),
    "max_bal_bc": (0, 2_300, 4_400, 7_600, 15_000, 25_000, 90_000),
}
# Rare counts: shares of 0, 1, 2, ...
COUNT_CHANCES: Final[dict[str, tuple[float, ...]]] = {
    "delinq_2yrs": (0.81, 0.125, 0.037, 0.014, 0.007, 0.004, 0.003),
    "collections_12_mths_ex_med": (0.984, 0.015, 0.001),
    "acc_now_delinq": (0.996, 0.0038, 0.0002),
    "chargeoff_within_12_mths": (0.992, 0.0075, 0.0005),
    "num_accts_ever_120_pd": (0.77, 0.13, 0.05, 0.025, 0.015, 0.01),
    "num_tl_30dpd": (0.9972, 0.0026, 0.0002),
    "num_tl_90g_dpd_24m": (0.944, 0.042, 0.008, 0.004, 0.002),
    "num_tl_120dpd_2m": (0.9993, 0.0007),
    "mort_acc": (0.40, 0.19, 0.15, 0.11, 0.07, 0.04, 0.025, 0.015),
    "open_acc_6m": (0.40, 0.32, 0.17, 0.07, 0.03, 0.01),
    "open_il_12m": (0.52, 0.32, 0.12, 0.03, 0.01),
    "open_rv_12m": (0.36, 0.28, 0.18, 0.10, 0.05, 0.03),
    "inq_fi": (0.50, 0.25, 0.13, 0.07, 0.03, 0.02),
    "total_cu_tl": (0.55, 0.17, 0.10, 0.07, 0.05, 0.04, 0.02),
    "acc_open_past_24mths": (0.05, 0.10, 0.13, 0.14, 0.13, 0.12, 0.10, 0.08, 0.06, 0.05, 0.04),
}
# Columns that are a part of another one: the whole, and the range of the share.
SHARES: Final[dict[str, tuple[str, float, float]]] = {
    "num_sats": ("open_acc", 0.985, 1.0),
    "num_op_rev_tl": ("open_acc", 0.50, 0.95),
    "num_rev_tl_bal_gt_0": ("num_op_rev_tl", 0.45, 0.95),
    "num_actv_rev_tl": ("num_rev_tl_bal_gt_0", 0.95, 1.0),
    "num_bc_sats": ("num_op_rev_tl", 0.40, 0.80),
    "num_actv_bc_tl": ("num_bc_sats", 0.50, 1.0),
    "open_act_il": ("open_acc", 0.05, 0.45),
    "num_il_tl": ("total_acc", 0.10, 0.60),
    "num_rev_accts": ("total_acc", 0.40, 0.85),
    "num_bc_tl": ("num_rev_accts", 0.35, 0.75),
    "num_tl_op_past_12m": ("acc_open_past_24mths", 0.20, 0.75),
    "total_bc_limit": ("total_rev_hi_lim", 0.40, 0.90),
}
# Share of 2012 before the column was rolled out; all of it is missing before 2012.
ROLLOUT_FIRST: Final = 0.14
ROLLOUT_SECOND: Final = 0.30
ROLLOUT_THIRD: Final = 0.52
ROLLOUT_2012: Final[dict[str, float]] = {
    **dict.fromkeys(
        """
        acc_open_past_24mths mort_acc total_bal_ex_mort total_bc_limit bc_open_to_buy bc_util
        percent_bc_gt_75 mths_since_recent_bc mths_since_recent_inq mths_since_recent_bc_dlq
        mths_since_recent_revol_delinq mths_since_last_major_derog
        """.split(),
        ROLLOUT_FIRST,
    ),
    "num_bc_sats": ROLLOUT_SECOND,
    "num_sats": ROLLOUT_SECOND,
}
# Missing in any vintage from 2012 on, because the thing never happened or cannot be computed.
NATURAL_NULLS: Final[dict[str, float]] = {
    "mths_since_last_major_derog": 0.72,
    "mths_since_rcnt_il": 0.03,
    "il_util": 0.13,
    "bc_open_to_buy": 0.01,
    "bc_util": 0.01,
    "percent_bc_gt_75": 0.01,
    "mths_since_recent_bc": 0.01,
    "mo_sin_old_il_acct": 0.03,
    "mths_since_recent_inq": 0.11,
    "mths_since_recent_bc_dlq": 0.76,
    "mths_since_recent_revol_delinq": 0.67,
    "num_tl_120dpd_2m": 0.045,
    "revol_util": 0.0008,
}
# Months since an event of which there is none; the last entry applies from 2012 on.
NO_EVENT_NULLS: Final[dict[str, dict[int, float]]] = {
    "mths_since_last_delinq": {2007: 0.07, 2008: 0.38, 2011: 0.66, 2018: 0.51},
    "mths_since_last_record": {2007: 0.07, 2008: 0.61, 2011: 0.945, 2018: 0.83},
}
# The first vintages lack more of these; up to and including the year.
EARLY_NULLS: Final[dict[str, dict[int, float]]] = {
    "pub_rec_bankruptcies": {2007: 0.967, 2008: 0.326, 2018: 0.0},
    "collections_12_mths_ex_med": {2007: 0.24, 2018: 0.0},
    "chargeoff_within_12_mths": {2007: 0.24, 2018: 0.0},
    "tax_liens": {2007: 0.174, 2018: 0.0},
    **{
        name: {2007: 0.048, 2018: 0.0}
        for name in """
        delinq_2yrs inq_last_6mths open_acc pub_rec revol_util total_acc acc_now_delinq delinq_amnt
        """.split()
    },
}
