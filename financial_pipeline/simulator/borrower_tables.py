"""Constants of the borrower draw (methodology 7.1): one entry per grade A to G, or per category.

Where the table of 7.1 misses a full-file moment of the same section, the constant is moved to
meet the moment, and the line says so.
"""

from typing import Final

import numpy as np

GRADES: Final = tuple("ABCDEFG")
SUB_GRADES: Final = tuple(f"{grade}{digit}" for grade in GRADES for digit in range(1, 6))
GRADE_SHARES: Final = (0.1917, 0.2937, 0.2876, 0.1434, 0.0598, 0.0184, 0.0053)
LONG_TERM_SHARES: Final = np.array([0.05, 0.22, 0.33, 0.42, 0.68, 0.85, 0.88])

# Order of the correlated scores: FICO, ln income, dti, utilisation, inquiries, ln amount.
SCORE_CORRELATIONS: Final = np.array(
    [
        [1.00, 0.10, -0.04, -0.38, -0.08, 0.00],
        [0.10, 1.00, -0.21, 0.07, 0.05, 0.44],
        [-0.04, -0.21, 1.00, 0.20, 0.00, 0.00],
        [-0.38, 0.07, 0.20, 1.00, -0.12, 0.00],
        [-0.08, 0.05, 0.00, -0.12, 1.00, 0.00],
        [0.00, 0.44, 0.00, 0.00, 0.00, 1.00],
    ]
)

FICO_MEAN: Final = np.array([731.0, 698.5, 689.6, 686.1, 684.0, 685.3, 685.3])
FICO_DEVIATION: Final = np.array([38.0, 32.0, 26.0, 23.7, 21.4, 22.7, 23.0])
FICO_ORIGIN: Final = 657.5
FICO_RANGE: Final = (660, 845)
# The retired policy of 2007 to 2010 took lower scores.
FICO_EXCEPTION_RANGE: Final = (610, 655)

# The table's means give a median of 69,700; the full file has 65,000.
INCOME_SHIFT: Final = -0.07
LOG_INCOME_MEAN: Final = np.array([11.30, 11.16, 11.12, 11.07, 11.05, 11.02, 11.015]) + INCOME_SHIFT
LOG_INCOME_DEVIATION: Final = 0.53

DTI_MEAN: Final = np.array([15.2, 17.2, 18.7, 20.6, 21.8, 23.0, 24.0])
DTI_DEVIATION: Final = 8.6
DTI_MAX: Final = 59.9

# The table's means give 46.9; the full file has 50.3.
UTILISATION_SHIFT: Final = 3.4
UTILISATION_MEAN: Final = np.array([34.5, 46.6, 51.0, 52.4, 52.4, 54.0, 55.6]) + UTILISATION_SHIFT
UTILISATION_DEVIATION: Final = 24.0
UTILISATION_MAX: Final = 120.0

INQUIRY_RATE: Final = np.array([0.34, 0.48, 0.65, 0.81, 0.77, 0.91, 1.03])

# ln amount = mean + deviation z - bend (z^2 - 1). The table's means, deviation .72 and no bend
# give a median of 11,500; the full file has 12,900 with quartiles 8,000 and 20,000.
AMOUNT_SHIFT: Final = 0.055
LOG_AMOUNT_MEAN: Final = np.array([9.28, 9.28, 9.35, 9.43, 9.54, 9.73, 9.76]) + AMOUNT_SHIFT
LOG_AMOUNT_DEVIATION: Final = 0.68
LOG_AMOUNT_BEND: Final = 0.05
AMOUNT_RANGE: Final = (1_000, 40_000)
# Round amounts that borrowers ask for, and their shares of all loans.
AMOUNT_SPIKES: Final = np.array([5_000.0, 10_000, 12_000, 15_000, 20_000, 35_000])
AMOUNT_SPIKE_SHARES: Final = np.array([0.041, 0.077, 0.054, 0.052, 0.051, 0.034])

# Means of the full file's grades: with those of the table of 7.1 (.069 to .302) the deviation of
# all rates is 5.2 per cent instead of 4.83.
RATE_MEAN: Final = np.array([0.0708, 0.1068, 0.1414, 0.1814, 0.2183, 0.2545, 0.2807])
RATE_STEP: Final = np.array([0.0075, 0.008, 0.0095, 0.0105, 0.011, 0.009, 0.004])
RATE_RANGE: Final = (0.0531, 0.3099)

HOMES: Final = {"MORTGAGE": 0.49, "RENT": 0.395, "OWN": 0.115}
# Years of employment; the last entry is not given.
EMPLOYMENT: Final = {
    "10+ years": 0.33,
    "< 1 year": 0.08,
    "1 year": 0.066,
    "2 years": 0.09,
    "3 years": 0.08,
    "4 years": 0.06,
    "5 years": 0.062,
    "6 years": 0.045,
    "7 years": 0.04,
    "8 years": 0.04,
    "9 years": 0.035,
    "n/a": 0.065,
}
EMPLOYMENT_NOT_GIVEN: Final = len(EMPLOYMENT) - 1
NOT_GIVEN_SHARES: Final = {2009: 0.0, 2010: 0.028, 2011: 0.035, 2018: 0.065}
VERIFICATIONS: Final = {"Source Verified": 0.40, "Not Verified": 0.32, "Verified": 0.28}
# Code, title shown to investors, share.
PURPOSES: Final = (
    ("debt_consolidation", "Debt consolidation", 0.565),
    ("credit_card", "Credit card refinancing", 0.23),
    ("home_improvement", "Home improvement", 0.066),
    ("other", "Other", 0.062),
    ("major_purchase", "Major purchase", 0.022),
    ("medical", "Medical expenses", 0.012),
    ("small_business", "Business", 0.011),
    ("car", "Car financing", 0.011),
    ("house", "Home buying", 0.006),
    ("vacation", "Vacation", 0.007),
    ("moving", "Moving and relocation", 0.007),
    ("wedding", "Wedding expenses", 0.001),
    ("renewable_energy", "Green loan", 0.001),
    ("educational", "Learning and training", 0.0),
)
PURPOSE_CODES: Final = tuple(code for code, _, _ in PURPOSES)
# Joint applications by issue year, from October 2015 on.
JOINT_SHARES: Final = {2015: 0.008, 2016: 0.05, 2017: 0.08, 2018: 0.15}
# Loans of the retired credit policy by issue year (2,749 of 42,535, methodology 1.6).
POLICY_EXCEPTION_SHARES: Final = {2007: 0.584, 2008: 0.347, 2009: 0.107, 2010: 0.080, 2018: 0.0}
PUBLIC_RECORD_SHARES: Final = (0.84, 0.13, 0.02, 0.01)
