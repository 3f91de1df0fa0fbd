-- One row per reason why acts are left out: how many, and the first of their lines.
with reasons as (

    select
        line,
        why
    from read_parquet(getvariable('acts'))
    where why is not null

    union all

    select
        line,
        case when is_again then 'the same id again' else 'of an enrolment that is not told' end as why
    from of_learners
    where is_again or who is null

),

final as (

    select
        why,
        count(*) as acts,
        min(line, $most) as lines
    from reasons
    group by why

)

select * from final
order by why;
