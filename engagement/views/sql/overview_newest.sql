-- One row: the run whose scores were published last; none before the first.
select
    run_id,
    as_of,
    published_at
from runs
where published_at is not null
order by published_at desc, run_id desc
limit 1;
