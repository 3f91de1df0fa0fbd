-- One row per nudge or quiz ($kind) of $ids that was ever approved: who did so last, and when.
with approvals as (

    select
        metadata ->> ($kind || '_id') as id,
        actor,
        timestamp
    from events
    where type = $kind || '_approved'

),

final as (

    select
        id,
        max_by(actor, timestamp) as approved_by,
        max(timestamp) as approved_at
    from approvals
    where id in (select unnest($ids::text[]))
    group by id

)

select * from final;
