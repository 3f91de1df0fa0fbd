-- One row: how many rows were refused of the loads known at $as_of that no published run for another day has counted.
with counted as (

    select
        as_of,
        published_at,
        counts ->> 'last_load' as last_load
    from runs
    where pipeline = $pipeline and day <> $day and published_at is not null

),

final as (

    select coalesce(sum(loads.quarantined), 0) as refused
    from loads
    where
        loads.observed_at <= $as_of
        and not exists (
            select 1
            from counted
            where
                counted.as_of >= loads.observed_at
                -- ids are given in the order of commits; a run of an earlier version kept none
                and coalesce(counted.last_load >= loads.load_id, counted.published_at >= loads.loaded_at)
        )

)

select * from final;
