-- One row per event of a learner, the newest first, $recent at most. `metadata` is JSON.
select
    timestamp,
    type,
    actor,
    metadata
from events
where learner_id = $id
order by timestamp desc, id
limit $recent;
