-- One row per active learner with facts at $as_of: what the formula needs, with the work done on each basis, and
-- whether they left later (null where that is not known).
create or replace temp table simulation_inputs as
with known as (

    select * from facts_at($as_of)

),

outcomes as (

    select
        learner_id,
        arg_max(type in ('course_withdrawn', 'course_failed'), timestamp) as has_left
    from events
    where
        type in ('course_withdrawn', 'course_failed', 'course_passed', 'course_distinction')
        and timestamp > $as_of
    group by learner_id

),

final as (

    select
        learners.number,
        learners.id as learner_id,
        learners.program,
        work_done(
            'due', known.completed_percent, known.completed_percent_due, known.completed_percent_course
        ) as completed_percent_due,
        work_done(
            'course', known.completed_percent, known.completed_percent_due, known.completed_percent_course
        ) as completed_percent_course,
        known.avg_quiz_score,
        known.consecutive_missed_sessions,
        case when not known.login_is_unknown then days_inactive(known.last_login, learners.enrolled_at, $as_of) end
            as days_inactive,
        known.login_is_unknown,
        outcomes.has_left
    from learners
    inner join known on learners.id = known.learner_id
    left join outcomes on learners.id = outcomes.learner_id
    where active_at(learners.active, learners.inactive_since, $as_of)

)

select * from final;
