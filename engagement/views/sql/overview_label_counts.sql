-- One row per published day of a pipeline, the last 30: the counts of its newest run, oldest day first.
with newest as (

    select
        day,
        counts
    from runs
    where pipeline = $pipeline and published_at is not null
    qualify row_number() over (partition by day order by published_at desc) = 1
    order by day desc
    limit 30

)

select
    day,
    counts
from newest
order by day;
