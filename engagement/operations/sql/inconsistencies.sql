-- One row per thing that cannot be and is: what, how many, the first one by id.
with quarantined as (

    select
        load_id,
        count(*) as refused
    from quarantine
    group by load_id

),

wrong as (

    select
        'loads whose rows are not all accepted or quarantined' as what,
        load_id as id
    from loads
    where rows <> accepted + quarantined

    union all

    select
        'loads with more in quarantine than they count',
        quarantined.load_id
    from quarantined
    left join loads on quarantined.load_id = loads.load_id
    where quarantined.refused > coalesce(loads.quarantined, 0)

    union all

    select
        'learners that have facts and are not there',
        learner_facts.learner_id
    from learner_facts
    anti join learners on learner_facts.learner_id = learners.id
    group by learner_facts.learner_id

    union all

    select
        'learners that are there twice',
        id
    from learners
    group by id
    having count(*) > 1

    union all

    select
        'events that are there twice',
        id
    from events
    group by id
    having count(*) > 1

    union all

    select
        'nudges that are there twice',
        id
    from published_nudges
    group by id
    having count(*) > 1

    union all

    select
        'quizzes that are there twice',
        id
    from published_quizzes
    group by id
    having count(*) > 1

    union all

    select
        'addresses that several persons have and nobody marked',
        min(id)
    from learners
    where active and email is not null
    group by email
    having min(person_id) <> max(person_id) and not bool_and(email_is_shared)

    union all

    select
        'learners with two current scores',
        learner_id
    from risk_scores
    group by learner_id
    having count(*) > 1

    union all

    select
        'current scores of a run that was not published',
        risk_scores.learner_id
    from risk_scores
    left join runs on risk_scores.run_id = runs.run_id
    where runs.published_at is null

),

final as (

    select
        what,
        count(*) as times,
        min(id) as first_id
    from wrong
    group by what

)

select * from final
order by what
