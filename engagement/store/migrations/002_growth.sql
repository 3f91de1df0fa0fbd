-- A million learners: no index over large tables. Writers are serialised, so the statement that writes such a table
-- holds that nothing stands there twice; an index would cost several times the memory and the file of its rows.
create table keyless_learners (
    id text not null,
    person_id text not null,
    name text,
    email text,
    phone text,
    program text not null,
    cohort text,
    locale text not null default 'en',
    timezone text,
    enrolled_at timestamp,
    topic text,
    preferred_channel text,
    whatsapp_opt_in boolean not null default false,
    contact_opt_out boolean not null default false,
    llm_opt_out boolean not null default false,
    active boolean not null default true,
    load_id text not null
);

insert into keyless_learners
select * from learners;

drop table learners;

alter table keyless_learners rename to learners;

comment on table learners is 'One row per enrolment.';
comment on column learners.id is '(P) The enrolment, as the institution writes it; text, kept exactly.';
comment on column learners.person_id is '(P) The human being; one person may have several enrolments.';
comment on column learners.name is '(P) Display name.';
comment on column learners.email is '(P) Trimmed and case-folded; one address belongs to one person.';
comment on column learners.phone is '(P) As given.';
comment on column learners.enrolled_at is 'Instant of enrolment, UTC.';
comment on column learners.topic is 'What the learner works on now; a quiz is about it.';
comment on column learners.contact_opt_out is '(P) The person does not want to be contacted.';
comment on column learners.llm_opt_out is '(P) Nothing about the person goes to a model.';

create table keyless_scores (
    learner_id text not null,
    as_of timestamp not null,
    risk_score double,
    risk_label text not null,
    behind_pace double,
    low_quiz double,
    missed_session double,
    inactivity double,
    policy_hash text not null,
    run_id text not null
);

insert into keyless_scores
select * from risk_scores;

drop table risk_scores;

alter table keyless_scores rename to risk_scores;

comment on table risk_scores is 'One row per learner: the newest published score.';
comment on column risk_scores.risk_score is '(P) 0 (safe) to 1 (leaving); null where too little is known.';
comment on column risk_scores.risk_label is '(P) high, medium, low or unknown.';
comment on column risk_scores.behind_pace is '(P) Contribution of unfinished work; the four add up to the score.';
comment on column risk_scores.low_quiz is '(P) Contribution of the quiz average.';
comment on column risk_scores.missed_session is '(P) Contribution of missed sessions.';
comment on column risk_scores.inactivity is '(P) Contribution of the days since the last login.';

create table keyless_nudges (
    id text not null,
    learner_id text not null,
    person_id text not null,
    campaign text not null,
    period text not null,
    program text not null,
    as_of timestamp not null,
    channel text not null,
    type text not null,
    variant integer,
    locale text not null,
    subject text,
    draft_content text not null,
    content text not null,
    gpt_prompt_version text not null,
    gpt_fallback boolean not null,
    reason text,
    fallback_id text,
    model text,
    cache_key text,
    risk_score double,
    risk_label text,
    status text not null default 'draft',
    version integer not null default 1,
    approved_at timestamp,
    sent_at timestamp,
    experiment_id text,
    arm text,
    run_id text,
    created_at timestamp not null
);

insert into keyless_nudges
select * from nudges;

drop table nudges;

alter table keyless_nudges rename to nudges;

comment on table nudges is 'One row per nudge; texts hold {first_name} in place of the name.';
comment on column nudges.draft_content is 'The text as it was generated.';
comment on column nudges.content is '(P) The text as a person edited it; equal to the draft until then.';
comment on column nudges.gpt_fallback is 'True where a template stood in for the model; reason says why.';
comment on column nudges.version is 'Grows by one with every change; guards two people editing.';
comment on column nudges.run_id is 'The run that drafted it; null where a person asked for it.';

create table keyless_quizzes (
    id text not null,
    learner_id text not null,
    person_id text not null,
    campaign text not null,
    period text not null,
    program text not null,
    as_of timestamp not null,
    topic text,
    language text not null,
    questions json not null,
    gpt_prompt_version text not null,
    gpt_fallback boolean not null,
    reason text,
    fallback_id text,
    model text,
    cache_key text,
    status text not null default 'draft',
    version integer not null default 1,
    run_id text,
    created_at timestamp not null
);

insert into keyless_quizzes
select * from quizzes;

drop table quizzes;

alter table keyless_quizzes rename to quizzes;

comment on table quizzes is 'One row per quiz: 3 to 10 questions of four options, one of them right.';
comment on column quizzes.topic is 'What it is about; null for a quiz about how to study.';

create table keyless_events (
    id text not null,
    learner_id text not null,
    type text not null,
    metadata json not null,
    timestamp timestamp not null,
    actor text not null,
    source text not null
);

insert into keyless_events
select * from events;

drop table events;

alter table keyless_events rename to events;

comment on table events is '(P) One row per event; append-only. The id is made from the content, so a repeat is the same event.';

-- What grows most from night to night. The parts of an earlier score follow from the facts and the policy of its run.
alter table risk_history drop column behind_pace;

alter table risk_history drop column low_quiz;

alter table risk_history drop column missed_session;

alter table risk_history drop column inactivity;

-- The remainder of sixteen hexadecimal digits after others that left `before`.
create macro remainder_after(before, digits, choices) as (
    (before * (18446744073709551616 % choices)::ubigint + ('0x' || digits)::ubigint % choices) % choices
);

-- One of 0 to choices - 1, the same for the same key: its sha256, as one number, modulo the choices. By sixteen digits
-- at a time, because a number of 256 bits has no type.
create macro drawn(key, choices) as (
    remainder_after(
        remainder_after(
            remainder_after(
                remainder_after(0::ubigint, substr(sha256(key), 1, 16), choices), substr(sha256(key), 17, 16), choices
            ),
            substr(sha256(key), 33, 16),
            choices
        ),
        substr(sha256(key), 49, 16),
        choices
    )
);
