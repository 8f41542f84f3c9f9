"""The drop folder as external assets, so that lineage starts where people put their files."""

import dagster as dg

LANDING = {
    "lending_club_loans": "Loan files that people drop: LoanStats, accepted loans, loan.csv.",
    "lending_club_rejections": "The file of rejected applications that people drop.",
    "bank_prices": "Daily price files of the banks.",
    "fred_observations": "Macro series as FRED or ALFRED publish them.",
}


@dg.definitions
def landing() -> dg.Definitions:
    """The drop folder as external assets, one per dataset."""
    specs = [
        dg.AssetSpec(["landing", dataset], description=text) for dataset, text in LANDING.items()
    ]
    return dg.Definitions(assets=specs)
