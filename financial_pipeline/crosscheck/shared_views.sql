-- What several recomputations share: intervals, tails, and the banks' daily returns.
create or replace macro z_95() as 1.959963984540054::double;

create or replace macro wilson_centre(k, n) as (k / n + z_95() ** 2 / (2 * n)) / (1 + z_95() ** 2 / n);

create or replace macro wilson_half(k, n) as
    sqrt((k / n) * (1 - k / n) / n + z_95() ** 2 / (4 * n * n)) * z_95() / (1 + z_95() ** 2 / n);

create or replace macro wilson_low(k, n) as
    case when n > 0 then wilson_centre(k, n) - wilson_half(k, n) end;

create or replace macro wilson_high(k, n) as
    case when n > 0 then wilson_centre(k, n) + wilson_half(k, n) end;

create or replace macro share(part, whole) as
    case when whole <> 0 then cast(part as double) / cast(whole as double) end;

-- erfc(z): DuckDB has no error function. One minus Kummer's series, whose terms are all positive; far out,
-- where that difference would leave no digit, Laplace's continued fraction from its 120th term back.
create or replace macro erfc(z) as
    case
        when z = 0 then 1
        when z > 2 then exp(-z * z) / sqrt(pi()) / list_reduce(
            list_prepend(cast(z as double), list_transform(range(120, 0, -1), lambda n: n / 2)),
            lambda tail, half: z + half / tail
        )
        else 1 - 2 / sqrt(pi()) * list_sum(list_transform(
            range(0, 140),
            lambda n: exp(
                2 * n * ln(2.0) + (2 * n + 1) * ln(z) + lgamma(n + 1.0) - lgamma(2.0 * n + 2) - z * z
            )
        ))
    end;

create or replace macro chi_square_tail(x) as case when x >= 0 then erfc(sqrt(x / 2)) end;

create or replace macro times_log(n, p) as case when n > 0 then n * ln(p) else 0 end;

create or replace macro in_window(day) as
    day between getvariable('first_partition') and getvariable('last_partition');
