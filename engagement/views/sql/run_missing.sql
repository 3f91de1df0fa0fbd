-- One row per input of the score: learners of the run for whom it is missing; a login that nobody can tell is rare.
with scored as (

    select
        completed_percent,
        avg_quiz_score,
        consecutive_missed_sessions,
        last_login,
        login_is_unknown
    from run_scores
    where run_id = $run_id

),

final as (

    select 'Work done' as input, count(*) filter (where completed_percent is null) as missing, count(*) as learners
    from scored

    union all

    select 'Quiz average', count(*) filter (where avg_quiz_score is null), count(*)
    from scored

    union all

    select 'Missed sessions', count(*) filter (where consecutive_missed_sessions is null), count(*)
    from scored

    union all

    select
        'Last login (never logged in)',
        count(*) filter (where last_login is null and not login_is_unknown),
        count(*)
    from scored

    union all

    select 'Last login (not known)', count(*) filter (where login_is_unknown), count(*)
    from scored
    having count(*) filter (where login_is_unknown) > 0

)

select * from final;
