-- One event per nudge or quiz of `moving`; the id is made from what moves, its version and where it goes. A repeat adds
-- none.
insert into events
with moved as (

    select
        content_id([id, (version + 1)::text, $status]) as id,
        learner_id,
        $kind || '_' || $status as type,
        case
            when $batch::text is not null
                then
                    json_object(
                        $kind || '_id', id, 'from', status, 'version', version + 1, 'reason', $reason, 'batch', $batch
                    )
            when past is not null
                then
                    json_object(
                        $kind || '_id', id, 'from', status, 'version', version + 1, 'reason', $reason, 'past', past
                    )
            else json_object($kind || '_id', id, 'from', status, 'version', version + 1, 'reason', $reason)
        end as metadata,
        $now as timestamp,
        $actor as actor,
        'review' as source
    from temp.moving

),

recorded as (

    -- nothing moves before it was there: most of a large table need not be looked at
    select id
    from events
    where source = 'review' and type = $kind || '_' || $status and timestamp >= $since

),

final as (

    select *
    from moved
    where id not in (select recorded.id from recorded)

)

select * from final;
