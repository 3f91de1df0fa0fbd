-- One row per event of the file that is not known yet.
insert into events
with named as (

    select
        coalesce(id, event_id(learner_id, type, timestamp, coalesce(metadata, '{}'))) as id,
        learner_id,
        type,
        coalesce(metadata, '{}') as metadata,
        timestamp
    from temp.checked
    where reasons is null

),

final as (

    select
        id,
        learner_id,
        type,
        metadata,
        timestamp,
        'import' as actor,
        $source as source
    from named
    where id not in (select events.id from events)

)

select * from final;
