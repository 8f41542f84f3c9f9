{#- The bands that make a borrower profile, one column each; a missing value is a band of its own. -#}
{% macro borrower_bands() -%}
    case
        when emp_length < 1 then '< 1 year'
        when emp_length <= 3 then '1-3 years'
        when emp_length <= 6 then '4-6 years'
        when emp_length <= 9 then '7-9 years'
        when emp_length >= 10 then '10+ years'
        else 'unknown'
    end as emp_length_band,
    case
        when home_ownership in ('RENT', 'MORTGAGE', 'OWN') then home_ownership
        when home_ownership is null then 'unknown'
        else 'OTHER'
    end as home_ownership_band,
    case
        when verification_status in ('Not Verified', 'Source Verified', 'Verified')
            then verification_status
        else 'unknown'
    end as verification_band,
    case
        when income_effective < 25000 then '< 25k'
        when income_effective < 50000 then '25k-50k'
        when income_effective < 75000 then '50k-75k'
        when income_effective < 100000 then '75k-100k'
        when income_effective < 150000 then '100k-150k'
        when income_effective >= 150000 then '150k+'
        else 'unknown'
    end as income_band,
    case
        when fico_midpoint < 660 then '< 660'
        when fico_midpoint < 680 then '660-679'
        when fico_midpoint < 700 then '680-699'
        when fico_midpoint < 720 then '700-719'
        when fico_midpoint < 750 then '720-749'
        when fico_midpoint < 780 then '750-779'
        when fico_midpoint >= 780 then '780+'
        else 'unknown'
    end as fico_band,
    case
        when dti_effective < 10 then '< 10'
        when dti_effective < 20 then '10-19'
        when dti_effective < 30 then '20-29'
        when dti_effective < 40 then '30-39'
        when dti_effective >= 40 then '40+'
        else 'unknown'
    end as dti_band,
    case
        when is_joint then 'Joint'
        when application_type is null then 'unknown'
        else 'Individual'
    end as application_type_band
{%- endmacro %}


{#- The natural key of a profile: all its bands. -#}
{% macro borrower_profile_key() -%}
    {{ surrogate_key([
        'emp_length_band', 'home_ownership_band', 'verification_band', 'income_band', 'fico_band',
        'dti_band', 'application_type_band'
    ]) }}
{%- endmacro %}
