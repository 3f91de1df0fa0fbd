-- One row per nudge (or quiz, by $kind) among $ids of $learner_ids that a person or the system has touched: who last.
with touches as (

    select
        events.metadata ->> ($kind || '_id') as id,
        (events.metadata ->> 'version')::integer as version,
        events.type,
        events.actor,
        events.timestamp
    from events
    where events.source = 'review' and events.learner_id in (select unnest($learner_ids::text[]))

),

final as (

    select
        id,
        arg_max(actor, version) as changed_by,
        arg_max(timestamp, version) as changed_at,
        arg_max(type, version) filter (where type in ($kind || '_drafted', $kind || '_rewritten', $kind || '_edited'))
            as text_by
    from touches
    where id in (select unnest($ids::text[]))
    group by id

)

select * from final
