-- One row per enrolment whose address several persons claim since this load, or no longer do; who is not active claims
-- none.
with claims as (

    select
        email,
        person_number
    from learners
    where active and email is not null

),

suspect as (

    -- by their hashes, which need a tenth of the memory; who stands here by chance is cleared below
    select hash(email) as email_hash
    from claims
    group by hash(email)
    having min(person_number) <> max(person_number)

),

shared as (

    select claims.email
    from claims
    inner join suspect on hash(claims.email) = suspect.email_hash
    group by claims.email
    having min(claims.person_number) <> max(claims.person_number)

),

final as (

    select
        learners.number,
        shared.email is not null as email_is_shared
    from learners
    left join shared on learners.email = shared.email
    where learners.email_is_shared <> (shared.email is not null)

)

update learners
set email_is_shared = final.email_is_shared
from final
where learners.number = final.number;
