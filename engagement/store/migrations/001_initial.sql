-- Every table of the platform. Instants are naive UTC; (P) in a comment marks personal data.
create table learners (
    id text primary key,
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

-- No primary key: an index over an append-only table of this size costs more than it gives.
create table learner_facts (
    learner_id text not null,
    observed_at timestamp not null,
    load_id text not null,
    last_login timestamp,
    completed_percent double,
    completed_percent_course double,
    completed_percent_due double,
    avg_quiz_score double,
    consecutive_missed_sessions integer
);

comment on table learner_facts is 'One row per learner and change; append-only.';
comment on column learner_facts.observed_at is 'When this became known, UTC; for an earlier as_of it does not exist.';
comment on column learner_facts.last_login is '(P) UTC; null means never logged in.';
comment on column learner_facts.completed_percent is '(P) 0 to 100, on the basis in use; null means unknown.';
comment on column learner_facts.completed_percent_course is '(P) 0 to 100 percent of the whole course.';
comment on column learner_facts.completed_percent_due is '(P) 0 to 100 percent of what was due by then.';
comment on column learner_facts.avg_quiz_score is '(P) 0 to 100; null means no quiz yet.';
comment on column learner_facts.consecutive_missed_sessions is '(P) Sessions missed in a row, 0 or more.';

create table risk_scores (
    learner_id text primary key,
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

comment on table risk_scores is 'One row per learner: the newest published score.';
comment on column risk_scores.risk_score is '(P) 0 (safe) to 1 (leaving); null where too little is known.';
comment on column risk_scores.risk_label is '(P) high, medium, low or unknown.';
comment on column risk_scores.behind_pace is '(P) Contribution of unfinished work; the four add up to the score.';
comment on column risk_scores.low_quiz is '(P) Contribution of the quiz average.';
comment on column risk_scores.missed_session is '(P) Contribution of missed sessions.';
comment on column risk_scores.inactivity is '(P) Contribution of the days since the last login.';

-- A score that moved only because time passed is not a change: it follows from the facts.
create table risk_history (
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

comment on table risk_history is 'One row per learner and change of label, facts or policy; append-only.';

create table run_scores (
    run_id text not null,
    learner_id text not null,
    risk_score double,
    risk_label text not null,
    behind_pace double,
    low_quiz double,
    missed_session double,
    inactivity double,
    login_in_future boolean not null
);

comment on table run_scores is 'One row per learner scored by a run that is not published yet; emptied by publishing.';

create table contact_decisions (
    run_id text not null,
    learner_id text not null,
    person_id text not null,
    decision text not null,
    type text,
    channel text,
    reason text,
    quiz boolean not null,
    quiz_topic text,
    priority integer,
    risk_score double,
    risk_label text
);

comment on table contact_decisions is 'One row per learner in the newest run: contacted or not, and why.';
comment on column contact_decisions.reason is '(P) Why the learner is not contacted; null where they are.';
comment on column contact_decisions.priority is '1 for the worst; null for who is not contacted.';

create table nudges (
    id text primary key,
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

comment on table nudges is 'One row per nudge; texts hold {first_name} in place of the name.';
comment on column nudges.draft_content is 'The text as it was generated.';
comment on column nudges.content is '(P) The text as a person edited it; equal to the draft until then.';
comment on column nudges.gpt_fallback is 'True where a template stood in for the model; reason says why.';
comment on column nudges.version is 'Grows by one with every change; guards two people editing.';
comment on column nudges.run_id is 'The run that drafted it; null where a person asked for it.';

create table quizzes (
    id text primary key,
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

comment on table quizzes is 'One row per quiz: 3 to 10 questions of four options, one of them right.';
comment on column quizzes.topic is 'What it is about; null for a quiz about how to study.';

create table events (
    id text primary key,
    learner_id text not null,
    type text not null,
    metadata json not null,
    timestamp timestamp not null,
    actor text not null,
    source text not null
);

comment on table events is '(P) One row per event; append-only. The id is made from the content, so a repeat is the same event.';

create table runs (
    run_id text primary key,
    pipeline text not null,
    key text not null,
    attempt integer not null,
    as_of timestamp not null,
    day date not null,
    parameters json not null,
    input_fingerprint text not null,
    policy json not null,
    status text not null,
    counts json,
    started_at timestamp not null,
    finished_at timestamp,
    published_at timestamp,
    supersedes text,
    error text
);

comment on table runs is 'One row per run attempt. Only rows with published_at count for readers.';
comment on column runs.day is 'The day of as_of where the institution is.';
comment on column runs.policy is 'The numbers of the risk formula; policy_hash elsewhere is their digest.';
comment on column runs.status is 'running, failed, discarded or published.';

create table steps (
    run_id text not null,
    step text not null,
    position integer not null,
    status text not null,
    tries integer not null,
    seconds double,
    started_at timestamp not null,
    error text,
    primary key (run_id, step)
);

comment on table steps is 'One row per step of a run: running, done or failed.';

create table loads (
    load_id text primary key,
    kind text not null,
    source text not null,
    content_hash text not null,
    observed_at timestamp not null,
    loaded_at timestamp not null,
    rows bigint not null,
    accepted bigint not null,
    quarantined bigint not null,
    reasons json not null
);

comment on table loads is 'One row per loaded file or frame. rows = accepted + quarantined.';
comment on column loads.kind is 'learners or events.';

create table quarantine (
    load_id text not null,
    line bigint not null,
    raw text not null,
    reasons text[] not null
);

comment on table quarantine is 'One row per refused row of a load, with every reason.';
comment on column quarantine.line is 'Line of the file where the row begins; row number where the source has no lines.';
comment on column quarantine.raw is '(P) The row as it stood in the source.';

create table assignments (
    experiment_id text not null,
    person_id text not null,
    arm text not null,
    assigned_at timestamp not null,
    ends_at timestamp not null,
    primary key (experiment_id, person_id)
);

comment on table assignments is '(P) One row per experiment and person: nudge, or control who is held out until it ends.';

create table disclosures (
    id text primary key,
    learner_id text not null,
    fields text[] not null,
    model text not null,
    base_url text not null,
    prompt_version text not null,
    cache_key text not null,
    disclosed_at timestamp not null
);

comment on table disclosures is '(P) One row per prompt about a learner that left for a model: which fields, to whom, when.';

create table tombstones (
    person_hash text primary key,
    erased_at timestamp not null
);

comment on table tombstones is 'One row per erased person; a later load does not bring them back.';

-- What a reader may see: rows of published runs, and what a person asked for by hand.
create view published_nudges as
select nudges.*
from nudges
left join runs on nudges.run_id = runs.run_id
where nudges.run_id is null or runs.published_at is not null;

create view published_quizzes as
select quizzes.*
from quizzes
left join runs on quizzes.run_id = runs.run_id
where quizzes.run_id is null or runs.published_at is not null;

create view published_decisions as
select contact_decisions.*
from contact_decisions
inner join runs on contact_decisions.run_id = runs.run_id
where runs.published_at is not null;

-- What was known of each learner at an instant. Two loads for the same instant: the later corrects the earlier one.
create macro facts_at(instant) as table
    select *
    from learner_facts
    where observed_at <= instant
    qualify row_number() over (partition by learner_id order by observed_at desc, load_id desc) = 1;

-- Days (with fractions) since the last login or, without one, since enrolment; null where neither is known.
-- A login after the instant counts as 0. No `greatest`: it skips null and would make a missing login a recent one.
create macro days_inactive(last_login, enrolled_at, instant) as (
    case
        when coalesce(last_login, enrolled_at) > instant then 0::double
        else (epoch_us(instant) - epoch_us(coalesce(last_login, enrolled_at))) / 86400e6
    end
);

create view newest_facts as
select *
from facts_at(timestamp 'infinity');

create view learner_risk as
select
    learners.id,
    learners.name,
    learners.email,
    learners.phone,
    learners.program,
    newest_facts.last_login,
    newest_facts.completed_percent,
    newest_facts.avg_quiz_score,
    newest_facts.consecutive_missed_sessions,
    risk_scores.risk_score,
    risk_scores.risk_label
from learners
left join newest_facts on learners.id = newest_facts.learner_id
left join risk_scores on learners.id = risk_scores.learner_id;

comment on view learner_risk is 'One row per learner with the newest facts and the newest published score.';
