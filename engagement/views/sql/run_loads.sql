-- One row per load known at $as_of, newest first: what came in and what was refused.
select
    source,
    kind,
    observed_at,
    rows,
    accepted,
    quarantined
from loads
where observed_at <= $as_of
order by observed_at desc, load_id desc
limit 10;
