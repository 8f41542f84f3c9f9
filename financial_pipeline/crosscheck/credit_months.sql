-- Monthly credit series of 36-month loans, as known at each as-of month asked for.
create or replace temporary table as_of_months as
select cast(unnest(range(
    getvariable('first_partition'), getvariable('last_partition') + interval 1 day, interval 1 month
)) as date) as as_of_month;

create or replace temporary table credit_months as

with vintages as (
    select 'D1' as credit_series, issue_month as month, default_d1 as flag, 36 as wait
    from fct_loans
    where term_months = 36 and default_d1 is not null
    union all
    select 'D3_12', issue_month, default_d3_12, 12 + getvariable('default_lag_months')
    from fct_loans
    where term_months = 36 and default_d3_12 is not null
),

rates as (
    select
        credit_series,
        month,
        month + to_months(any_value(wait)) as known_month,
        avg(flag) as value,
        count(*) as loans
    from vintages
    group by credit_series, month
),

book as (
    select
        performance_month as month,
        months_on_book,
        grade,
        count(*) as loans,
        sum(default_event) as defaults
    from fct_loan_performance_monthly
    where term_months = 36 and months_on_book > 0
    group by all
),

known_book as (
    select
        *,
        share(sum(defaults) over age, sum(loans) over age) * loans as expected
    from book
    inner join as_of_months on month <= as_of_month
    window age as (partition by as_of_month, months_on_book, grade)
),

calendar as (
    select
        as_of_month,
        month,
        sum(loans) as loans,
        share(sum(defaults), sum(loans)) as hazard,
        share(sum(defaults), sum(expected)) as adjusted
    from known_book
    group by as_of_month, month
),

together as (
    select as_of_month, credit_series, month, value, loans from rates
    inner join as_of_months on known_month <= as_of_month
    union all
    select as_of_month, 'calendar_hazard', month, hazard, loans from calendar
    union all
    select as_of_month, 'seasoning_adjusted_hazard', month, adjusted, loans from calendar
)

select as_of_month, credit_series, month, value
from together
where loans >= 50;
