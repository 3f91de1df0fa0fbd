-- One row per learner of $ids whose label was another, or none (null), at $before than it is now.
with changed as (

    -- whoever has no word since then has the same label
    select distinct learner_id
    from risk_history
    where as_of > $before and learner_id in (select unnest($ids::text[]))

),

final as (

    select
        changed.learner_id as id,
        arg_max(history.risk_label, (history.as_of, runs.published_at, runs.run_id)) as label_before
    from changed
    left join risk_history as history
        on changed.learner_id = history.learner_id and history.as_of <= $before
    left join runs on history.run_id = runs.run_id
    group by changed.learner_id

)

select * from final;
