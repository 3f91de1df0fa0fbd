-- One row per accepted row and row that is refused with it: that of an address which the first would have given up.
with rows_of_file as (

    select
        claims.email,
        claims.person_id,
        claims.record
    from temp.address_claims as claims
    inner join temp.checked on claims.record = checked.rowid
    where checked.reasons is null

),

final as (

    select
        giving.rowid as record,
        taking.record as refused_with_it
    from temp.address_claims as kept
    inner join temp.checked as giving on kept.id = giving.id
    inner join rows_of_file as taking on kept.email = taking.email and kept.person_id <> taking.person_id
    where kept.record = -1 and (giving.reasons is null or giving.reasons = $reason)

)

select * from final;
