-- One row per pipeline: its newest run that was not given up, and when that ended or began.
select
    run_id,
    pipeline,
    status,
    coalesce(finished_at, started_at) as since
from runs
where list_contains($pipelines, pipeline) and status <> 'discarded'
qualify row_number() over (partition by pipeline order by started_at desc, attempt desc) = 1
order by pipeline;
