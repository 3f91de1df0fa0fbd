-- One row per learner whose facts differ from what was known of them at observed_at.
insert into learner_facts by name
with known as (

    select * from facts_at($observed_at)

),

final as (

    select
        checked.id as learner_id,
        $observed_at as observed_at,
        $load_id as load_id,
        checked.last_login,
        checked.login_is_unknown,
        checked.completed_percent,
        checked.completed_percent_course,
        checked.completed_percent_due,
        checked.avg_quiz_score,
        checked.consecutive_missed_sessions
    from temp.checked
    left join known on checked.id = known.learner_id
    where
        checked.reasons is null
        and (
            known.learner_id is null
            or known.last_login is distinct from checked.last_login
            or known.login_is_unknown is distinct from checked.login_is_unknown
            or known.completed_percent is distinct from checked.completed_percent
            or known.completed_percent_course is distinct from checked.completed_percent_course
            or known.completed_percent_due is distinct from checked.completed_percent_due
            or known.avg_quiz_score is distinct from checked.avg_quiz_score
            or known.consecutive_missed_sessions is distinct from checked.consecutive_missed_sessions
        )

)

select * from final;
