-- One row per load known at $as_of, newest first: what came in, what was refused, and what was left out as nobody's.
select
    load_id,
    source,
    kind,
    observed_at,
    rows,
    accepted,
    quarantined,
    coalesce(list_sum(json_extract(left_out, '$.*.rows')::bigint[]), 0)::bigint as left_out
from loads
where observed_at <= $as_of
order by observed_at desc, load_id desc
limit 10;
