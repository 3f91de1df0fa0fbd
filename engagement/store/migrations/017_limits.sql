-- How often a person hears from somebody: one relation for whoever chooses, approves and exports.
alter table nudges add column overruled_at timestamp;

comment on column nudges.overruled_at is
'When whoever asked for it or approved it was told of a limit and went past it, UTC; null where there was none.';

-- A view has the columns that there were when it was made.
create or replace view published_nudges as
select nudges.*
from nudges
left join runs on nudges.run_id = runs.run_id
where nudges.run_id is null or runs.published_at is not null;

-- A message counts from its approval on and, while it waits, as of now: it may leave at any moment. Whoever was phoned
-- has been contacted. Persons are those of today: who an enrolment belongs to may have been set right since.
create view contacts_that_count as
select
    learners.person_number,
    nudges.learner_id,
    nudges.id as nudge_id,
    coalesce(nudges.approved_at, nudges.sent_at) as known_at,
    case when nudges.status in ('sent', 'delivered') then coalesce(nudges.sent_at, nudges.approved_at) end
        as contacted_at
from published_nudges as nudges
inner join learners on nudges.learner_id = learners.id
where nudges.status in ('approved', 'queued', 'sent', 'delivered')

union all

select
    learners.person_number,
    events.learner_id,
    null as nudge_id,
    events.timestamp as known_at,
    events.timestamp as contacted_at
from events
inner join learners on events.learner_id = learners.id
where events.type = 'phone_call';

comment on view contacts_that_count is '(P) One row per message, approved or sent, and per call: what limits count.';
comment on column contacts_that_count.person_number is '(P) The number of the first enrolment of the person; to join by.';
comment on column contacts_that_count.learner_id is '(P) The enrolment that it was about.';
comment on column contacts_that_count.nudge_id is 'The message; null for a call.';
comment on column contacts_that_count.known_at is 'From when on it could be known: of its approval, or the call, UTC.';
comment on column contacts_that_count.contacted_at is 'When it was sent, or of the call, UTC; null while it waits.';

-- Both over the contacts of a person. What comes after the instant, where a clock has gone back, counts as well.
create macro hours_since_contact(contacted_at, instant) as (
    min(epoch(instant - coalesce(contacted_at, instant)) / 3600)::double
);

create macro contacts_in_7_days(contacted_at, instant) as (
    (count(*) filter (where coalesce(contacted_at, instant) > instant - interval 7 days))::integer
);
