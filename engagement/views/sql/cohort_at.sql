-- One row per active learner of a cohort with facts at $as_of: what the formula needs, and nothing that names them.
with known as (

    select * from facts_at($as_of)

),

final as (

    select
        learners.id,
        learners.program,
        learners.cohort,
        work_done(
            $basis, known.completed_percent, known.completed_percent_due, known.completed_percent_course
        ) as completed_percent,
        known.avg_quiz_score,
        known.consecutive_missed_sessions,
        case when not known.login_is_unknown then days_inactive(known.last_login, learners.enrolled_at, $as_of) end
            as days_inactive,
        known.login_is_unknown
    from learners
    inner join known on learners.id = known.learner_id
    where
        active_at(learners.active, learners.inactive_since, $as_of)
        and ($program is null or learners.program = $program)
        and ($cohort is null or learners.cohort = $cohort)

)

select * from final
order by id;
