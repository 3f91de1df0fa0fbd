-- One row per label of learners in $programs: how many more have it now than had it at $before.
with recent as (

    -- whoever has no word since then has the same label
    select distinct score_words.learner_id
    from score_words
    inner join learners on score_words.learner_id = learners.id
    where score_words.as_of > $before and list_contains($programs::text[], learners.program)

    union

    -- and whoever has left has none any more
    select id
    from learners
    where inactive_since > $before and not active and list_contains($programs::text[], program)

),

labels_then as (

    select arg_max(words.risk_label, words.as_of) as label
    from score_words as words
    where words.as_of <= $before and words.learner_id in (select recent.learner_id from recent)
    group by words.learner_id

),

moves as (

    select
        risk_label as label,
        1 as change
    from risk_scores
    where learner_id in (select recent.learner_id from recent)

    union all

    select
        label,
        -1 as change
    from labels_then

),

final as (

    select
        label,
        sum(change)::integer as change
    from moves
    group by label

)

select * from final;
