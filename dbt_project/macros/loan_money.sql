{#- The dollar columns of fct_loans: upstream name to house name, in contract order. -#}
{% macro loan_money() -%}
    {{ return({
        "loan_amnt": "loan_amount_usd",
        "funded_amnt": "funded_amount_usd",
        "installment": "installment_usd",
        "total_pymnt": "total_payment_usd",
        "total_rec_prncp": "principal_received_usd",
        "total_rec_int": "interest_received_usd",
        "total_rec_late_fee": "late_fees_received_usd",
        "recoveries": "recoveries_usd",
        "collection_recovery_fee": "collection_recovery_fee_usd",
        "out_prncp": "outstanding_principal_usd",
        "ead": "ead_usd",
        "net_loss": "net_loss_usd",
    }) }}
{%- endmacro %}
