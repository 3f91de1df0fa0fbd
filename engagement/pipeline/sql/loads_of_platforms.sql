-- One row per source that a run's exports came to, or a platform's answers: its newest load, in the order of loading.
select
    source,
    rows,
    accepted,
    quarantined
from loads
where observed_at = $known_at and loaded_at = $started_at and of_files is not null
qualify row_number() over (partition by kind, source order by load_id desc) = 1
order by load_id;
