-- One row per person whom somebody should call, the worst first, $capacity at most: the number of the worst of their
-- enrolments. Of `ranked` (number, rank), those who can be called: there, reachable by phone, not opted out, and not
-- contacted since $recently. Where one has no phone, another enrolment of the person may have one.
with callable as (

    select person_number
    from learners
    group by person_number
    having bool_or(phone is not null)

),

contacted as (

    select distinct learners.person_number
    from contacts_made
    inner join learners on contacts_made.learner_id = learners.id
    where contacts_made.contacted_at > $recently and contacts_made.contacted_at <= $now

),

eligible as materialized (

    select
        learners.number,
        learners.id,
        learners.person_number,
        ranked.rank
    from temp.ranked
    inner join learners on ranked.number = learners.number
    -- who may be written to in the app may be called
    inner join contact_refusals
        on ranked.number = contact_refusals.learner_number and contact_refusals.in_app is null
    inner join callable on learners.person_number = callable.person_number
    anti join contacted on learners.person_number = contacted.person_number

),

persons as (

    select
        person_number,
        max(rank) as rank
    from eligible
    group by person_number

),

-- Nobody below the last who has a place need be put in order.
last_of_them as (

    select min(best.rank) as rank
    from (
        select persons.rank
        from persons
        order by persons.rank desc
        limit $capacity
    ) as best

),

final as (

    select
        eligible.number,
        eligible.id,
        eligible.rank
    from eligible
    where eligible.rank >= (select last_of_them.rank from last_of_them)
    qualify row_number() over (partition by eligible.person_number order by eligible.rank desc, eligible.id) = 1

)

select number
from final
order by rank desc, id
limit $capacity;
