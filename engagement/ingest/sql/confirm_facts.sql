-- One row per learner of an older file that says something else than a newer one had confirmed: the newer one's word.
insert into learner_facts by name
with newest as (

    select * from newest_facts

),

final as (

    select
        newest.learner_id,
        known_later.seen_at as observed_at,
        $load_id as load_id,
        newest.last_login,
        newest.login_is_unknown,
        newest.completed_percent,
        newest.completed_percent_course,
        newest.completed_percent_due,
        newest.avg_quiz_score,
        newest.consecutive_missed_sessions
    from temp.known_later
    inner join newest on known_later.id = newest.learner_id
    inner join temp.checked on known_later.id = checked.id
    where
        checked.reasons is null
        -- with a fact in between, its word stands from there on
        and newest.observed_at <= $observed_at
        and (
            newest.last_login is distinct from checked.last_login
            or newest.login_is_unknown is distinct from checked.login_is_unknown
            or newest.completed_percent is distinct from checked.completed_percent
            or newest.completed_percent_course is distinct from checked.completed_percent_course
            or newest.completed_percent_due is distinct from checked.completed_percent_due
            or newest.avg_quiz_score is distinct from checked.avg_quiz_score
            or newest.consecutive_missed_sessions is distinct from checked.consecutive_missed_sessions
        )

)

select * from final;
