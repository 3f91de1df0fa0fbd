-- Kept apart from everything that scores, selects or writes.
create table learner_groups (
    learner_id text not null,
    name text not null,
    value text not null,
    load_id text not null
);

comment on table learner_groups is '(P) One row per enrolment and grouping; only the look at fairness reads it.';
comment on column learner_groups.name is 'What is grouped by, such as gender.';
comment on column learner_groups.value is '(P) Which group the learner is in.';
