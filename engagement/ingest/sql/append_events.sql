-- One row per event of the file that is not known yet: the first of those with the same id.
insert into events
with named as (

    select
        coalesce(
            id,
            sha256(
                concat_ws(
                    '|', learner_id, type, strftime(timestamp, '%Y-%m-%dT%H:%M:%S.%f'), coalesce(metadata, '{}')
                )
            )
        ) as id,
        learner_id,
        type,
        coalesce(metadata, '{}') as metadata,
        timestamp,
        rowid as place
    from temp.checked
    where coalesce(len(reasons), 0) = 0

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
    qualify row_number() over (partition by id order by place) = 1

)

select * from final;
