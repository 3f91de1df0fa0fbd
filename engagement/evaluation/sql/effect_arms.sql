-- One row per arm of $experiment: persons, who of them was contacted, and who did what is looked at, within
-- $first_day to $last_day of the assignment. Only whose window is over by $as_of, or all of them where it is null.
with assigned as (

    select
        assignments.person_number,
        assignments.arm,
        assignments.assigned_at + to_days($first_day::integer) as begins_at,
        assignments.assigned_at + to_days($last_day::integer) as ends_at,
        -- a night assigns before the instant that its scores and facts are for
        greatest(assignments.assigned_at, runs.as_of) + to_days($first_day::integer) as scored_from,
        greatest(assignments.assigned_at, runs.as_of) + to_days($last_day::integer) as scored_until
    from assigned_persons as assignments
    left join runs on assignments.run_id = runs.run_id
    where
        assignments.experiment_id = $experiment
        and assignments.is_first
        and (assignments.is_published or assignments.run_id = $run_id)
        and ($as_of is null or assignments.ends_at <= $as_of)

),

-- An enrolment that ended since is still one of the person's: whoever is assigned is counted.
happened as (

    select
        assigned.person_number,
        bool_or(events.type in ('login', 'session_attended', 'quiz_completed')) as is_back,
        arg_min(events.type, events.timestamp) filter (
            where events.type in ('session_attended', 'session_missed')
        ) = 'session_attended' as attended_session,
        bool_or(events.type = 'quiz_completed') as took_quiz
    from events
    inner join learners on events.learner_id = learners.id
    inner join assigned on learners.person_number = assigned.person_number
    where
        events.type in ('login', 'session_attended', 'session_missed', 'quiz_completed')
        and events.timestamp > assigned.begins_at and events.timestamp <= assigned.ends_at
    group by assigned.person_number

),

contacted as (

    select distinct assigned.person_number
    from contacts_made
    inner join learners on contacts_made.learner_id = learners.id
    inner join assigned on learners.person_number = assigned.person_number
    where
        contacts_made.contacted_at > assigned.begins_at
        and contacts_made.contacted_at <= assigned.ends_at

),

-- The history has a word where facts, label or policy changed: a score that only time moved has not changed.
scored as (

    select
        assigned.person_number,
        arg_max(words.risk_score, words.as_of) filter (where words.as_of <= assigned.scored_from) as before,
        arg_max(words.risk_score, words.as_of) as after
    from score_words as words
    inner join learners on words.learner_id = learners.id
    inner join assigned on learners.person_number = assigned.person_number
    where $outcome = 'score' and words.as_of <= assigned.scored_until
    group by assigned.person_number, words.learner_id

),

inputs as (

    select
        learner_id,
        observed_at,
        if(completed_percent is null, 0, 1)
        + if(avg_quiz_score is null, 0, 1)
        + if(consecutive_missed_sessions is null, 0, 1) as number
    from learner_facts
    where $outcome = 'score'

),

known as (

    select
        assigned.person_number,
        arg_max(inputs.number, inputs.observed_at) filter (where inputs.observed_at <= assigned.scored_from) as before,
        arg_max(inputs.number, inputs.observed_at) as after
    from inputs
    inner join learners on inputs.learner_id = learners.id
    inner join assigned on learners.person_number = assigned.person_number
    where inputs.observed_at <= assigned.scored_until
    group by assigned.person_number, inputs.learner_id

),

-- Where less is known than before, a lower score is no better one.
less_known as (

    select person_number
    from known
    group by person_number
    having bool_or(after < before)

),

fell as (

    select scored.person_number
    from scored
    anti join less_known on scored.person_number = less_known.person_number
    group by scored.person_number
    having max(scored.before) - max(scored.after) >= $least_fall

),

final as (

    select
        assigned.arm,
        count(*) as persons,
        count(contacted.person_number) as contacted,
        count(*) filter (where happened.is_back) as back,
        count(*) filter (where happened.attended_session) as session,
        count(*) filter (where happened.took_quiz) as quiz,
        count(*) filter (where fell.person_number is not null) as score
    from assigned
    left join happened on assigned.person_number = happened.person_number
    left join contacted on assigned.person_number = contacted.person_number
    left join fell on assigned.person_number = fell.person_number
    group by assigned.arm

)

select * from final
order by arm desc;
