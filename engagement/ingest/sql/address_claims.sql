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

    select
        email,
        id,
        person_id,
        rowid as record
    from temp.checked
    where email is not null and reasons is null and id not in (select known_later.id from temp.known_later)

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
