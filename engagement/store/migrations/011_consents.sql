-- Consents of rows that are refused for something else: a no counts, and what cannot be read holds the learner back.
alter table learners add column held_by text[];

alter table learners add column consents_at timestamp;

comment on column learners.contact_opt_out is
'(P) The person does not want to be contacted, or is held back until it can be read again whether they do.';
comment on column learners.llm_opt_out is
'(P) Nothing about the person goes to a model, or it cannot be read whether it may.';
comment on column learners.held_by is
'(P) The consents that could not be read when they came last; the next row that is accepted lifts it. Null: none.';
comment on column learners.consents_at is
'The newest instant from which a refused row brought a consent, UTC: no older file undoes it.';

create table consents_ahead (
    learner_id text not null,
    person_id text,
    contact_opt_out boolean not null,
    llm_opt_out boolean not null,
    inactive boolean not null,
    held_by text[] not null,
    observed_at timestamp not null,
    load_id text not null
);

comment on table consents_ahead is
'One row per enrolment that is known by refused rows only, with what they say no to; kept until it is loaded.';
comment on column consents_ahead.learner_id is '(P) The enrolment, as the institution writes it.';
comment on column consents_ahead.person_id is '(P) The human being, whose other enrolments it counts for.';
comment on column consents_ahead.contact_opt_out is '(P) The person does not want to be contacted.';
comment on column consents_ahead.llm_opt_out is '(P) Nothing about the person goes to a model.';
comment on column consents_ahead.inactive is '(P) The enrolment is over.';
comment on column consents_ahead.held_by is '(P) The consents that could not be read.';
comment on column consents_ahead.observed_at is 'When this was known, UTC.';
comment on column consents_ahead.load_id is 'The load that said so last.';

-- Whether a row of a file says for certain whose it is, whatever else is wrong with it.
create macro says_whose(id, reasons) as (
    id is not null
    and not contains(chr(10) || replace(coalesce(reasons, ''), 'id: stands', ''), chr(10) || 'id: ')
);
