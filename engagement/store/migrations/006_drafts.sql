-- Who changed a draft last, and whether a person wrote in it: a page of the queue shows it without looking through
-- every event there is.
alter table nudges add column edited boolean default false;

alter table nudges add column changed_by text;

alter table nudges add column changed_at timestamp;

alter table quizzes add column edited boolean default false;

alter table quizzes add column changed_by text;

alter table quizzes add column changed_at timestamp;

create temp table last_changes as
select
    metadata ->> 'nudge_id' as id,
    arg_max(actor, (metadata ->> 'version')::integer) as changed_by,
    arg_max(timestamp, (metadata ->> 'version')::integer) as changed_at
from events
where source = 'review'
group by metadata ->> 'nudge_id';

update nudges
set
    changed_by = last_changes.changed_by,
    changed_at = last_changes.changed_at
from temp.last_changes
where nudges.id = last_changes.id and nudges.version > 1;

drop table temp.last_changes;

comment on column nudges.edited is 'True where a person wrote in it since it was generated.';
comment on column nudges.changed_by is 'Who changed it last, or asked for it; null where only a run has. As in the events.';
comment on column nudges.changed_at is 'When that was, UTC.';
comment on column quizzes.edited is 'True where a person wrote in it since it was generated.';
comment on column quizzes.changed_by is 'Who changed it last, or asked for it; null where only a run has. As in the events.';
comment on column quizzes.changed_at is 'When that was, UTC.';

-- A view has the columns that there were when it was made.
create or replace view published_nudges as
select nudges.*
from nudges
left join runs on nudges.run_id = runs.run_id
where nudges.run_id is null or runs.published_at is not null;

create or replace view published_quizzes as
select quizzes.*
from quizzes
left join runs on quizzes.run_id = runs.run_id
where quizzes.run_id is null or runs.published_at is not null;
