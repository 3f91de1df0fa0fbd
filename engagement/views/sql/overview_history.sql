-- One row per label and day of the pipeline's last 30 published days: learners of $programs who had it by the history.
with days as (

    select
        day,
        arg_max(as_of, published_at) as as_of
    from runs
    where pipeline = $pipeline and published_at is not null
    group by day
    order by day desc
    limit 30

),

words as (

    select
        risk_history.learner_id,
        risk_history.as_of,
        risk_history.risk_label,
        learners.inactive_since,
        lead(risk_history.as_of) over (
            partition by risk_history.learner_id
            order by risk_history.as_of, runs.published_at, runs.run_id
        ) as next_as_of
    from risk_history
    inner join runs on risk_history.run_id = runs.run_id
    inner join learners on risk_history.learner_id = learners.id
    where list_contains($programs::text[], learners.program)

),

final as (

    select
        days.day,
        words.risk_label as label,
        count(*) as learners
    from days
    inner join words
        on days.as_of >= words.as_of
            and (words.next_as_of is null or days.as_of < words.next_as_of)
            and (words.inactive_since is null or days.as_of < words.inactive_since)
    group by days.day, words.risk_label

)

select * from final
order by day, label;
