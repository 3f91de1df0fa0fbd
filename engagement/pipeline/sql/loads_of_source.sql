-- One row per load of a source for the instant $known_at, first the one this run made of $expected, then newest first.
select
    source,
    rows,
    accepted,
    quarantined,
    content_hash
from loads
where kind = $kind and source = $source and observed_at = $known_at
order by coalesce(content_hash = $expected and loaded_at = $started_at, false) desc, load_id desc
limit 1
