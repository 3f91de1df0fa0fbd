-- One row per event of the file that is not known yet.
insert into events
select
    coalesce(
        id,
        sha256(concat_ws('|', learner_id, type, strftime(timestamp, '%Y-%m-%dT%H:%M:%S.%f'), coalesce(metadata, '{}')))
    ),
    learner_id,
    type,
    coalesce(metadata, '{}'),
    timestamp,
    'import',
    $source
from temp.checked
where len(reasons) = 0
on conflict do nothing;
