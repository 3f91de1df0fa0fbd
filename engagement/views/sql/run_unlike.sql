-- One row per load, of the newest ten known at $as_of, that falls short of those before it.
with newest as (

    select
        load_id,
        source,
        unlike
    from loads
    where observed_at <= $as_of
    order by observed_at desc, load_id desc
    limit 10

)

select
    source,
    array_to_string(unlike, '; ') as why
from newest
where unlike is not null
order by load_id desc;
