-- One row per claim to an address that more than one enrolment has, by the store (record -1) or by a row of the file.
create or replace temp table address_claims as
with claims as (

    select
        email,
        id,
        person_id,
        -1 as record
    from learners
    where email is not null

    union all

    select
        email,
        id,
        person_id,
        rowid as record
    from temp.checked
    where email is not null and reasons is null

),

suspect as (

    select email
    from claims
    group by email
    having min(person_id) <> max(person_id)

),

final as (

    select claims.*
    from claims
    inner join suspect on claims.email = suspect.email

)

select * from final;
