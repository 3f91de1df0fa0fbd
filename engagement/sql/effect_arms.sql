-- One row per arm of $experiment: persons, who of them was contacted, and who did what is looked at, within
-- $first_day to $last_day of the assignment. Only whose window is over by $as_of, or all of them where it is null.
with assigned as (

    select
        assignments.person_id,
        assignments.arm,
        assignments.assigned_at + to_days($first_day::integer) as begins_at,
        assignments.assigned_at + to_days($last_day::integer) as ends_at
    from assignments
    left join runs on assignments.run_id = runs.run_id
    where
        assignments.experiment_id = $experiment
        and (runs.published_at is not null or assignments.run_id = $run_id)
        and ($as_of is null or assignments.ends_at <= $as_of)

),

-- An enrolment that ended since is still one of the person's: whoever is assigned is counted.
happened as (

    select
        assigned.person_id,
        bool_or(events.type in ('login', 'session_attended', 'quiz_completed')) as is_back,
        arg_min(events.type, events.timestamp) filter (
            where events.type in ('session_attended', 'session_missed')
        ) = 'session_attended' as attended_session,
        bool_or(events.type = 'quiz_completed') as took_quiz,
        bool_or(events.type = 'phone_call') as was_phoned
    from events
    inner join learners on events.learner_id = learners.id
    inner join assigned on learners.person_id = assigned.person_id
    where
        events.type in ('login', 'session_attended', 'session_missed', 'quiz_completed', 'phone_call')
        and events.timestamp > assigned.begins_at and events.timestamp <= assigned.ends_at
    group by assigned.person_id

),

nudged as (

    select distinct assigned.person_id
    from published_nudges as nudges
    inner join learners on nudges.learner_id = learners.id
    inner join assigned on learners.person_id = assigned.person_id
    where
        nudges.status in ('sent', 'delivered')
        and nudges.sent_at > assigned.begins_at and nudges.sent_at <= assigned.ends_at

),

final as (

    select
        assigned.arm,
        count(*) as persons,
        count(*) filter (where nudged.person_id is not null or happened.was_phoned) as contacted,
        count(*) filter (where happened.is_back) as back,
        count(*) filter (where happened.attended_session) as session,
        count(*) filter (where happened.took_quiz) as quiz
    from assigned
    left join happened on assigned.person_id = happened.person_id
    left join nudged on assigned.person_id = nudged.person_id
    group by assigned.arm

)

select * from final
order by arm desc;
