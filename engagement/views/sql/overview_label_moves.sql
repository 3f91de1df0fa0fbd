-- One row per label of learners in $programs: how many more have it now than had it at $before.
with recent as (

    -- whoever has no word since then has the same label
    select distinct risk_history.learner_id
    from risk_history
    inner join learners on risk_history.learner_id = learners.id
    where risk_history.as_of > $before and list_contains($programs::text[], learners.program)

    union

    -- and whoever has left has none any more
    select id
    from learners
    where inactive_since > $before and not active and list_contains($programs::text[], program)

),

labels_then as (

    select arg_max(history.risk_label, (history.as_of, runs.published_at, runs.run_id)) as label
    from risk_history as history
    inner join runs on history.run_id = runs.run_id
    where history.as_of <= $before and history.learner_id in (select recent.learner_id from recent)
    group by history.learner_id

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
