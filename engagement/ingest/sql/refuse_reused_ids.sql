-- One row per event whose id says something else already: in the store, or in an earlier row that is accepted.
update temp.checked
set reasons = 'id: stands more than once with other content'
where rowid in (
        with said as (

            select
                rowid as place,
                id,
                type,
                timestamp,
                json(coalesce(metadata, '{}')) as metadata
            from temp.checked
            where id is not null and reasons is null

            union all

            select
                -1 as place,
                id,
                type,
                timestamp,
                json(metadata) as metadata
            from events
            where id in (select checked.id from temp.checked where checked.reasons is null)

        ),

        compared as (

            select
                place,
                (type, timestamp, metadata) as content,
                first_value((type, timestamp, metadata)) over (partition by id order by place) as first_content
            from said

        ),

        final as (

            select place
            from compared
            where content <> first_content

        )

        select place from final
    );
