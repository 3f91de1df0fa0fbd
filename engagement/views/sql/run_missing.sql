-- One row per input of the score: learners of the run for whom it is missing.
with known as (

    select * from facts_at($as_of)

),

scored as (

    select known.*
    from known
    inner join run_scores on known.learner_id = run_scores.learner_id
    where run_scores.run_id = $run_id

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

    select 'Last login (never logged in)', count(*) filter (where last_login is null), count(*)
    from scored

)

select * from final;
