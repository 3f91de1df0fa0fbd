-- One row per learner and column that is another than before, of the first $most learners who change or are gone.
with changed as (

    select after.id
    from temp.learners_now as after
    inner join temp.learners_before as before on after.id = before.id
    where before is distinct from after
    order by after.id
    limit $most

),

before as (

    unpivot (
        select id, coalesce(columns(* exclude (id))::text, '')
        from temp.learners_before
        where id in (select id from changed)
    )
    on columns(* exclude (id)) into name about value said

),

after as (

    unpivot (
        select id, coalesce(columns(* exclude (id))::text, '')
        from temp.learners_now
        where id in (select id from changed)
    )
    on columns(* exclude (id)) into name about value said

),

final as (

    select
        after.id,
        after.about,
        -- what somebody is called and where they are reached is not shown
        case when before.said <> '' then if(after.about in ('name', 'email', 'phone'), '…', before.said) end as before,
        case when after.said <> '' then if(after.about in ('name', 'email', 'phone'), '…', after.said) end as after
    from after
    inner join before on after.id = before.id and after.about = before.about
    where after.said is distinct from before.said

)

select id, about, before, after from final
order by id, about;
