-- One row per learner whose address belongs to another person: in the store already, or earlier in the file.
with standing as (

    select claims.*
    from temp.address_claims as claims
    where claims.record >= 0

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

),

final as (

    select claims.record
    from temp.address_claims as claims
    inner join owners on claims.email = owners.email
    where claims.record >= 0 and claims.person_id <> owners.person_id

)

update temp.checked
set reasons = $reason
from final
where checked.rowid = final.record;
