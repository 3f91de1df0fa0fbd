-- One event per nudge of `moving`; the id is made from the nudge, its version and where it went. A repeat adds none.
insert into events
with moved as (

    select
        sha256(concat_ws('|', nudges.id, nudges.version, $status)) as id,
        nudges.learner_id,
        'nudge_' || $status as type,
        json_object('nudge_id', nudges.id, 'from', moving.status, 'version', nudges.version, 'reason', $reason)
            as metadata,
        $now as timestamp,
        $actor as actor,
        'review' as source
    from temp.moving
    inner join published_nudges as nudges on moving.id = nudges.id

),

final as (

    select *
    from moved
    where id not in (select events.id from events)

)

select * from final;
