-- One event per nudge of `moving`; the id is made from the nudge, its version and where it went.
insert into events
select
    sha256(concat_ws('|', nudges.id, nudges.version, $status)),
    nudges.learner_id,
    'nudge_' || $status,
    json_object('nudge_id', nudges.id, 'from', moving.status, 'version', nudges.version, 'reason', $reason),
    $now,
    $actor,
    'review'
from temp.moving
inner join nudges on moving.id = nudges.id
on conflict do nothing;
