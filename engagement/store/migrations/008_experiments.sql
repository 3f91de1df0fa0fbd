-- What an experiment is to show, written down before anybody is assigned.
create table experiments (
    id text not null,
    campaign text not null,
    term text not null,
    holdout double not null,
    outcome text not null,
    window_days integer not null,
    ends_on date not null,
    planned_at timestamp not null,
    run_id text not null
);

comment on table experiments is 'One row per experiment: its plan, as it stood before the first person was assigned.';
comment on column experiments.holdout is 'Share (0 to 0.5) of those who would be contacted that waits, by chance.';
comment on column experiments.outcome is 'What is looked at within the window: back, session, quiz or score.';
comment on column experiments.window_days is 'Days from the assignment in which the outcome counts, and for which the others wait.';
comment on column experiments.ends_on is 'The last day on which persons are assigned.';
comment on column experiments.planned_at is 'The as_of of the run that wrote it down.';

-- No key: an index over a million persons costs more than it gives.
create table keyless_assignments (
    experiment_id text not null,
    person_id text not null,
    arm text not null,
    assigned_at timestamp not null,
    ends_at timestamp not null,
    run_id text
);

insert into keyless_assignments by name
select * from assignments;

drop table assignments;

alter table keyless_assignments rename to assignments;

comment on table assignments is '(P) One row per experiment and person: nudge, or control who is held out until it ends.';
comment on column assignments.run_id is 'The run that assigned them; null before version 8.';

create view published_assignments as
select assignments.*
from assignments
left join runs on assignments.run_id = runs.run_id
where assignments.run_id is null or runs.published_at is not null;
