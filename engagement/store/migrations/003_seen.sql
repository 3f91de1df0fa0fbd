-- Until when a learner's entry is known to be true, and since when an enrolment is over: an older file changes neither,
-- and an earlier day is scored with those who were there then.
alter table learners add column seen_at timestamp;

alter table learners add column inactive_since timestamp;

update learners
set
    seen_at = least(loads.observed_at, loads.loaded_at),
    inactive_since = case when not learners.active then least(loads.observed_at, loads.loaded_at) end
from loads
where learners.load_id = loads.load_id;

comment on column learners.seen_at is 'The newest instant for which a load confirmed the entry, UTC.';
comment on column learners.inactive_since is 'Instant of the load that made the enrolment inactive, UTC; null while it is active.';

-- Whether an enrolment was active at an instant, as far as is known now.
create macro active_at(active, inactive_since, instant) as (
    active or coalesce(inactive_since > instant, false)
);
