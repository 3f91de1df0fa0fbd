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
        score_words.learner_id,
        score_words.as_of,
        score_words.risk_label,
        learners.inactive_since,
        lead(score_words.as_of) over (
            partition by score_words.learner_id
            order by score_words.as_of
        ) as next_as_of
    from score_words
    inner join learners on score_words.learner_id = learners.id
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
