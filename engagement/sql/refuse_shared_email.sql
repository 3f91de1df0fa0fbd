-- One row per learner whose address belongs to another person: in the store already, or earlier in the file.
with accepted as (

    select rowid as record, id
    from temp.checked
    where reasons is null

),

standing as (

    -- what the file says of an enrolment that it has replaces what the store knows of it
    select address_claims.*
    from temp.address_claims
    where
        (record = -1 and id not in (select id from accepted))
        or record in (select record from accepted)

),

owners as (

    select email, arg_min(person_id, record) as person_id
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
