-- One row per file that was read by the loads of a run, where it was an export of a platform: what it holds.
select file.content_hash
from (
    select unnest(of_files) as file
    from loads
    where observed_at = $known_at and loaded_at = $started_at
) as exports;
