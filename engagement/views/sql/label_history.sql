-- One row per label and day (as_of) of a pipeline's published runs up to $day, and the run $run_id.
with newest as (

    select
        day,
        counts
    from runs
    where pipeline = $pipeline and published_at is not null and day < $day
    qualify row_number() over (partition by day order by published_at desc) = 1
    order by day desc
    limit 30

),

past as (

    select
        newest.day as as_of,
        label.label,
        coalesce((newest.counts -> 'labels' ->> label.label)::integer, 0) as learners
    from newest
    cross join (values ('high'), ('medium'), ('low'), ('unknown')) as label (label)

),

final as (

    select * from past

    union all

    select
        $day as as_of,
        risk_label as label,
        count(*) as learners
    from run_scores
    where run_id = $run_id
    group by risk_label

)

select * from final
order by as_of, label;
