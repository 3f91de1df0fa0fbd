-- One row per active learner with facts at $as_of: what the formula needs and what is kept with it, inactivity in days.
create or replace temp table score_inputs as
with known as (

    select * from facts_at($as_of)

),

final as (

    select
        learners.id as learner_id,
        learners.number as learner_number,
        known.last_login,
        work_done(
            $basis, known.completed_percent, known.completed_percent_due, known.completed_percent_course
        ) as completed_percent,
        known.avg_quiz_score,
        known.consecutive_missed_sessions,
        case when not known.login_is_unknown then days_inactive(known.last_login, learners.enrolled_at, $as_of) end
            as days_inactive,
        known.login_is_unknown,
        coalesce(known.last_login > $as_of, false) as login_in_future
    from learners
    inner join known on learners.id = known.learner_id
    where
        active_at(learners.active, learners.inactive_since, $as_of)
        and ($programs is null or learners.program in (select unnest($programs)))

)

select * from final;
