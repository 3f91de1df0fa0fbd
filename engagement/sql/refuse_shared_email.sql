-- One row per learner whose address belongs to another person: in the store already, or earlier in the file.
with claims as (

    select email, person_id, -1 as record
    from learners
    where
        email is not null
        and id not in (select id from temp.checked where len(reasons) = 0)

    union all

    select email, person_id, record
    from temp.checked
    where email is not null and len(reasons) = 0

),

owners as (

    select email, arg_min(person_id, record) as person_id
    from claims
    group by email
    having count(distinct person_id) > 1

)

update temp.checked
set reasons = list_append(reasons, 'email: belongs to another person; give both rows the same person_id')
from owners
where
    checked.email = owners.email
    and checked.person_id <> owners.person_id
    and len(checked.reasons) = 0;
