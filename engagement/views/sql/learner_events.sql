-- One row per event of a learner, newest first, $recent at most. `metadata` is JSON. What happened to a draft in one
-- instant stands in the order of its versions, which is that of its transitions.
select
    timestamp,
    type,
    actor,
    metadata
from events
where learner_id = $id
order by
    timestamp desc,
    coalesce(metadata ->> 'nudge_id', metadata ->> 'quiz_id'),
    try_cast(metadata ->> 'version' as integer) desc nulls last,
    id
limit $recent;
