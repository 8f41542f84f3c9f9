-- All measures of the portfolio, each with its value and, for shares of a count, its interval.
with parts as (
    from portfolio_ratios
    union all by name
    from portfolio_losses
    union all by name
    from portfolio_activity
)

select
    *,
    case
        when measure in ('loans', 'funded_usd', 'hhi_funded', 'effective_number') then numerator
        when measure in ('conditional_prepayment_rate', 'conditional_default_rate')
            then 1 - (1 - share(numerator, denominator)) ** 12
        when measure = 'loss_given_default_on_ead' then greatest(0, least(1, share(numerator, denominator)))
        else share(numerator, denominator)
    end as value,
    case
        when measure in ('default_rate_matured', 'delinquent_30_plus', 'approval_rate')
            then wilson_low(numerator, denominator)
    end as value_low,
    case
        when measure in ('default_rate_matured', 'delinquent_30_plus', 'approval_rate')
            then wilson_high(numerator, denominator)
    end as value_high
from parts
