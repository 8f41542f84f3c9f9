-- Roll rates between consecutive observed months, found by looking one observed row ahead.
with observed as (
    select
        performance_month as snapshot_month,
        source,
        loan_state as from_state,
        coalesce(closing_balance_usd, 0) as balance,
        lead(loan_state) over loan as to_state,
        lead(performance_month) over loan as next_month
    from fct_loan_performance_monthly
    where
        not is_reconstructed
        and loan_state is not null
        and performance_month between getvariable('first_partition')
        and getvariable('last_partition') + interval 1 month
    window loan as (partition by loan_key order by performance_month)
),

moves as (
    select
        snapshot_month,
        source,
        from_state,
        to_state,
        count(*) as loans,
        sum(balance) as balance_usd
    from observed
    where
        from_state in ('CURRENT', 'GRACE', 'D16_30', 'D31_120')
        and next_month = snapshot_month + interval 1 month
        and in_window(snapshot_month)
    group by all
),

totals as (
    select
        *,
        sum(loans) over origin as loans_from,
        sum(balance_usd) over origin as balance_from_usd
    from moves
    window origin as (partition by snapshot_month, source, from_state)
)

select
    *,
    share(loans, loans_from) as probability,
    wilson_low(loans, loans_from) as probability_low,
    wilson_high(loans, loans_from) as probability_high,
    share(balance_usd, balance_from_usd) as probability_usd_weighted,
    'observed snapshots' as basis
from totals
