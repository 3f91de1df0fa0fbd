-- One row per load that was known at $as_of, and file of an export: what it did, and how often it did something else.
with effects as (

    select
        kind,
        coalesce(effect, content_hash) as effect,
        load_id,
        accepted
    from loads
    where observed_at <= $as_of and of_files is null

    union all

    select
        'exports' as kind,
        file.effect,
        load_id,
        accepted
    from (
        select
            load_id,
            accepted,
            unnest(of_files) as file
        from loads
        where observed_at <= $as_of
    ) as exports

),

compared as (

    select
        kind,
        effect,
        load_id,
        accepted <> lag(accepted, 1, accepted) over (partition by kind, effect order by load_id) as is_other
    from effects

),

final as (

    select
        kind,
        effect,
        concat_ws(' ', effect, nullif(count_if(is_other) over (partition by kind, effect), 0)) as told
    from compared
    order by load_id, effect

)

select * from final;
