-- One row per learner whose address belongs to another person: in the store already, or earlier in the file.
with standing as (

    select claims.*
    from temp.address_claims as claims
    inner join temp.checked on claims.record = checked.rowid
    where checked.reasons is null

    union all

    -- what the file says of an enrolment replaces what the store knows of it, unless that is newer
    select claims.*
    from temp.address_claims as claims
    left join temp.checked on claims.id = checked.id and checked.reasons is null
    left join temp.known_later on claims.id = known_later.id
    where claims.record = -1 and (checked.id is null or known_later.id is not null)

),

owners as (

    select
        email,
        arg_min(person_id, record) as person_id
    from standing
    group by email
    having min(person_id) <> max(person_id)

)

update temp.checked
set reasons = 'email: belongs to another person; give both rows the same person_id'
from owners
where
    checked.email = owners.email
    and checked.person_id <> owners.person_id
    and checked.reasons is null;
