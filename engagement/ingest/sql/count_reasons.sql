-- One row per reason of a load's quarantine, most frequent first.
with named as (

    select unnest(reasons) as reason
    from quarantine
    where load_id = $load_id

),

final as (

    select
        reason,
        count(*) as refused
    from named
    group by reason

)

select * from final
order by refused desc, reason;
