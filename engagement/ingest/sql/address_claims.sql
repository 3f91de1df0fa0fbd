-- One row per claim to an address that several persons seem to have, by the store (record -1) or by a row of the file.
create or replace temp table address_claims as
with claims as (

    select
        email,
        id,
        person_id,
        -1 as record
    from learners
    where active and email is not null

    union all

    -- who is not active claims none
    select
        checked.email,
        checked.id,
        checked.person_id,
        checked.rowid as record
    from temp.checked
    left join learners as known on checked.id = known.id
    left join temp.known_later as later on checked.id = later.id
    where
        checked.email is not null
        and checked.reasons is null
        and later.id is null
        and coalesce(checked.active, known.active, true)

),

suspect as (

    -- by their hashes, which need a tenth of the memory; who stands here by chance is cleared later
    select hash(email) as email_hash
    from claims
    group by hash(email)
    having min(hash(person_id)) <> max(hash(person_id))

),

final as (

    select claims.*
    from claims
    inner join suspect on hash(claims.email) = suspect.email_hash

)

select * from final;
