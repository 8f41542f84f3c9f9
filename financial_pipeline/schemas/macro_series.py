"""Known FRED series: their frequency, the range of their values, and the days of their rebasing.

A series outside this list is read if FINANCIAL_PIPELINE_FRED_SERIES names it.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

_IDS: Final = {
    "daily": (
        "DTB3 DTB6 DTB1YR DTB4WK DGS1MO DGS3MO DGS6MO DGS1 DGS2 DGS3 DGS5 DGS7 DGS10 DGS20 DGS30"
        " DFII5 DFII10 T10Y2Y T10Y3M T5YIE T10YIE T5YIFR DFF EFFR SOFR OBFR IORB DFEDTARU DFEDTARL"
        " DFEDTAR DPRIME VIXCLS SP500 DJIA NASDAQCOM DCOILWTICO DCOILBRENTEU DEXUSEU DEXJPUS"
        " DEXUSUK DEXCHUS DEXCAUS DTWEXBGS BAMLH0A0HYM2 BAMLC0A0CM BAMLH0A0HYM2EY USEPUINDXD"
        " DAAA DBAA AAA10Y BAA10Y RRPONTSYD TEDRATE USRECD"
    ),
    "weekly": (
        "ICSA CCSA IC4WSA ICNSA MORTGAGE30US MORTGAGE15US NFCI ANFCI STLFSI4 WALCL WM2NS WRESBAL"
        " TOTBKCR GASREGW WEI TREAST"
    ),
    "monthly": (
        "UNRATE UNRATENSA U6RATE CPIAUCSL CPIAUCNS CPILFESL CPILFENS FEDFUNDS TB3MS TB6MS TB1YR"
        " GS1 GS2 GS3 GS5 GS7 GS10 GS20 GS30 GS3M GS6M PAYEMS CIVPART EMRATIO UNEMPLOY LNS14000006"
        " LNS14000003 LNS14000009 CE16OV CLF16OV INDPRO TCU HOUST PERMIT HSN1F"
        " CSUSHPINSA CSUSHPISA SPCS20RSA UMCSENT MICH RSAFS RRSFS RSXFS PCE PCEPI PCEPILFE DSPIC96"
        " DSPI PSAVERT M1SL M2SL M2NS BOGMBASE TOTALSL REVOLSL NONREVSL BUSLOANS CONSUMER"
        " TOTALSA ALTSALES JTSJOL JTSQUR JTSHIR PPIACO PPIFIS AAA BAA MPRIME USREC DGORDER NEWORDER"
        " AWHAETP CES0500000003 AHETPI UEMPMEAN UEMPMED EXUSEU EXJPUS BOPGSTB DAUTOSAAR"
        " USSLIND SAHMREALTIME SAHMCURRENT CFNAI MABMM301USM189S RECPROUSM156N IR3TIB01USM156N"
    ),
    "quarterly": (
        "GDP GDPC1 A191RL1Q225SBEA GDPDEF GDPPOT NGDPPOT NROU NROUST GCEC1 GCE PCECC96 GPDIC1 GPDI"
        " EXPGSC1 IMPGSC1 NETEXC FPIC1 PRFIC1 PNFIC1 GNPC96 GNP A939RX0Q048SBEA A191RO1Q156NBEA"
        " A191RP1Q027SBEA CPATAX DRCCLACBS DRALACBS DRCLACBS DRSFRMACBS DRBLACBS"
        " DRCRELEXFACBS CORCCACBS CORALACBS CORCACBS CORSFRMACBS CORBLACBS TDSP MDSP CDSP FODSP"
        " DRTSCILM DRTSCLCC DRTSSP STDSOTHCONS HHMSDODNS"
        " TCMDO GFDEBTN GFDEGDQ188S OPHNFB ULCNFB COMPRNFB ECIALLCIV ECIWAG MSPUS USSTHPI"
        " RHORUSQ156N RHVRUSQ156N ETOTALUSQ176N TNWBSHNO BOGZ1FL073164003Q M2V M1V"
    ),
    "annual": (
        "FYFSD FYFSGDA188S FYGDP GDPA GDPCA MEHOINUSA672N MEHOINUSA646N SIPOVGINIUSA"
        " FPCPITOTLZGUSA POPTOTUSA647NWDB FEDTARMD FEDTARRM UNRATEMD GDPC1MD PCECTPIMD JCXFEMD"
    ),
}

FREQUENCY_OF_SERIES: Final = {
    series_id: frequency for frequency, ids in _IDS.items() for series_id in ids.split()
}

# Series whose publisher also publishes values of periods that are still to come.
PROJECTIONS: Final = frozenset(
    "GDPPOT NGDPPOT NROU NROUST FEDTARMD FEDTARRM UNRATEMD GDPC1MD PCECTPIMD JCXFEMD".split()
)

SHORT_RATES: Final = "DTB3 DTB6 TB3MS TB6MS FEDFUNDS DFF EFFR SOFR GS1 DGS1".split()
# Lowest and highest possible value, in the unit that FRED publishes.
VALUE_RANGE: Final = {
    **dict.fromkeys(("UNRATE", "UNRATENSA"), (0.0, 30.0)),
    **dict.fromkeys(("CPIAUCSL", "CPIAUCNS", "CPILFESL"), (5.0, 1_500.0)),
    "GDPC1": (500.0, 100_000.0),
    "GDP": (100.0, 150_000.0),
    "PAYEMS": (15_000.0, 400_000.0),
    "A191RL1Q225SBEA": (-60.0, 60.0),
    **dict.fromkeys((*SHORT_RATES, "GS2", "GS5", "GS10", "DGS2", "DGS5", "DGS10"), (-2.0, 30.0)),
}
# Since this day the median is in a narrower range, whichever of its bases a copy has.
RECENT: Final = date(2008, 1, 1)
RECENT_RANGE: Final = {
    **dict.fromkeys(("CPIAUCSL", "CPIAUCNS", "CPILFESL"), (200, 600)),
    # In dollars of 2000, the base of the copies before July 2009, it is 11,000 to 12,000.
    "GDPC1": (11_000, 50_000),
    "GDP": (13_500, 100_000),
    "PAYEMS": (125_000, 300_000),
    **dict.fromkeys(("UNRATE", "UNRATENSA"), (3, 16)),
}
# Series of levels, none of which has changed by more within a quarter (PAYEMS fell by 14% in April
# 2020).
LEVELS: Final = frozenset("CPIAUCSL CPIAUCNS CPILFESL GDPC1 GDP PAYEMS".split())
LARGEST_CHANGE: Final = 0.18
# No rate since 1948 is below 2: a 0 among other values is a missing value, and 0.039 is a fraction.
LOWEST_VALUE: Final = dict.fromkeys(("UNRATE", "UNRATENSA"), 1.0)
# Lowest possible median of a file in per cent: a smaller one is that of fractions.
LOWEST_MEDIAN: Final = {
    **dict.fromkeys(("UNRATE", "UNRATENSA"), 1.0),
    **dict.fromkeys("GS10 DGS10".split(), 0.4),
    **dict.fromkeys(SHORT_RATES, 0.2),
}
# Rates are quoted to 0.01 per cent: no median of quotes other than zero is below half of that.
LOWEST_QUOTE: Final = 0.005
# Days, from and until, on which short rates were near zero, so that a low median says nothing about
# the unit.
ZERO_RATES: Final = (
    (date(1932, 1, 1), date(1948, 1, 1)),
    (date(2008, 11, 1), date(2017, 1, 1)),
    (date(2020, 1, 1), date(2022, 4, 1)),
)

# Published values without seasonal adjustment, which are final: of the December of each year from
# 1999 on, and of each January from 2000 on. Adjusted ones differ by 0.3 at least.
DECEMBER_PRICES: Final = """
168.3 174.0 176.7 180.9 184.3 190.3 196.8 201.8 210.036 210.228 215.949 219.179 225.672 229.601
233.049 234.812 236.525 241.432 246.524 251.233 256.974 260.474 278.802 296.797 306.746 315.605
""".split()
JANUARY_UNEMPLOYMENT: Final = """
4.5 4.7 6.3 6.5 6.3 5.7 5.1 5.0 5.4 8.5 10.6 9.8 8.8 8.5 7.0 6.1 5.3 5.1 4.5 4.4 4.0 6.8 4.4 3.9 4.1
""".split()
# Series -> its twin without seasonal adjustment, and values of that by month.
UNADJUSTED: Final = {
    "CPIAUCSL": (
        "CPIAUCNS",
        {date(1999 + at, 12, 1): float(text) for at, text in enumerate(DECEMBER_PRICES)},
    ),
    "UNRATE": (
        "UNRATENSA",
        {date(2000 + at, 1, 1): float(text) for at, text in enumerate(JANUARY_UNEMPLOYMENT)},
    ),
}

# Days on which a series moved to another base: the same days as in dbt's seed `macro_series`.
REBASED: Final = {
    "CPIAUCSL": (date(1988, 2, 1),),
    "GDPC1": (
        date(1996, 1, 19),
        date(1999, 10, 28),
        date(2003, 12, 10),
        date(2009, 7, 31),
        date(2013, 7, 31),
        date(2018, 7, 27),
        date(2023, 9, 28),
    ),
}


def known_series(configured: Sequence[str]) -> frozenset[str]:
    """Return the ids that a file may contain: the built-in ones and the configured ones."""
    return frozenset((*FREQUENCY_OF_SERIES, *configured))
