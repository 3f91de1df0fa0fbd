-- One row per program and topic of active learners: how many have it, and the title a model may be told.
with used as (

    select
        'program' as kind,
        program as text,
        count(*) as learners
    from learners
    where active
    group by program

    union all

    select
        'topic' as kind,
        topic as text,
        count(*) as learners
    from learners
    where active and topic is not null
    group by topic

),

final as (

    select
        used.kind,
        used.text,
        used.learners,
        titles.title,
        titles.confirmed_by,
        titles.confirmed_at
    from used
    left join titles on used.kind = titles.kind and used.text = titles.text

)

select * from final
order by kind, learners desc, text;
