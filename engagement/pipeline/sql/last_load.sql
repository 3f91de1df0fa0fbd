-- The newest load of its kind, if there is one.
select
    load_id,
    source,
    observed_at,
    rows,
    accepted,
    quarantined
from loads
where kind = $kind
order by load_id desc
limit 1;
