"""The jobs: one per family and partition definition, because a run has only one of those."""

import dagster as dg

from financial_pipeline.defs.published_checks import CHECK_KEYS

FAMILY_TAG = "family"
PUBLISH_JOB = "publish_job"
CHECKS_JOB = "published_checks_job"
# Assets of each publication besides its tables; commands run them once, at the end.
PUBLICATION = frozenset(
    {
        dg.AssetKey(["exports", "row_accounting"]),
        dg.AssetKey(["exports", "price_restatements"]),
        dg.AssetKey(["exports", "loan_restatements"]),
        dg.AssetKey(["exports", "published_manifest"]),
    }
)

PUBLISHED_CHECKS = dg.AssetSelection.checks(*CHECK_KEYS)

# Job -> what it does. Each family is the assets tagged with its name, and the manifest.
JOBS = {
    "shared_job": "Dates, grades and other dimensions that every family joins.",
    "snapshots_job": "Archive the loan files and type each snapshot of the loans.",
    "loans_job": "Loans by issue month: staging, star schema and published Parquet.",
    "rejections_job": "Rejected applications by month: staging, star schema, published Parquet.",
    "prices_job": "Bank prices by trading day: raw archive to published Parquet.",
    "market_topics_job": "Land the offset ranges of the market topics that have not landed yet.",
    "market_bars_job": "Bars by trading day: parity with the batch, star schema, exports.",
    "macro_releases_job": "Land the macro releases that wait on their topic in the raw archive.",
    "releases_job": "Archive the macro files by release month.",
    "default_rates_job": "Default rates by issue month, grade and term, on Spark.",
    "vintages_job": "Cumulative default of quarterly vintages, on Spark.",
    "portfolio_job": "Roll rates and portfolio measures by snapshot month, on Spark.",
    "market_metrics_job": "Volatility, Sharpe ratio, risk and correlation by session, on Spark.",
    "macro_correlations_job": "Defaults against the economy by as-of month, on Spark.",
    "model_job": "The default model of one training cut-off: fit, gates, scores, thresholds.",
    "macro_job": "Macro series by observation month: staging, star schema, published Parquet.",
}


def family_selection(family: str) -> dg.AssetSelection:
    """The assets of one family, by tag, without the checks that people run alone."""
    return dg.AssetSelection.tag(FAMILY_TAG, family) - PUBLISHED_CHECKS


@dg.definitions
def jobs() -> dg.Definitions:
    """Define one job per family, each ending with the published manifest, in one process."""
    return dg.Definitions(
        # Commands run so too. A process for each step would import the definitions each time.
        executor=dg.in_process_executor,
        jobs=[
            dg.define_asset_job(
                name,
                selection=family_selection(name.removesuffix("_job")) | family_selection("publish"),
                description=text,
            )
            for name, text in JOBS.items()
        ]
        + [
            dg.define_asset_job(
                PUBLISH_JOB,
                selection=family_selection("publish"),
                description="Make every table whose checks passed current, in one rename.",
            ),
            dg.define_asset_job(
                CHECKS_JOB,
                selection=PUBLISHED_CHECKS,
                description="Check published tables: files as written, metrics recomputed, age.",
            ),
        ],
    )
