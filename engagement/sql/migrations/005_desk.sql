-- What a page of learners needs at once: a number to join by, and what a score was made from beside it.
-- Joined by its text id, a million learners take several times as long.
create sequence learner_numbers;

alter table learners add column number integer;

update learners
set number = nextval('learner_numbers');

alter table learners alter column number set default nextval('learner_numbers');

comment on column learners.number is 'Counts the enrolments of this store; to join by.';

alter table risk_scores add column learner_number integer;

alter table risk_scores add column last_login timestamp;

alter table risk_scores add column completed_percent double;

alter table risk_scores add column avg_quiz_score double;

alter table risk_scores add column consecutive_missed_sessions integer;

alter table risk_scores add column days_inactive double;

-- Not the newest facts: those of a later load explain another score.
create temp table facts_of_scores as
select
    learner_facts.learner_id,
    learners.number,
    learner_facts.last_login,
    learner_facts.completed_percent,
    learner_facts.avg_quiz_score,
    learner_facts.consecutive_missed_sessions,
    days_inactive(learner_facts.last_login, learners.enrolled_at, risk_scores.as_of) as days_inactive
from risk_scores
inner join learners on risk_scores.learner_id = learners.id
inner join runs on risk_scores.run_id = runs.run_id
inner join learner_facts
    on risk_scores.learner_id = learner_facts.learner_id and risk_scores.as_of >= learner_facts.observed_at
inner join loads on learner_facts.load_id = loads.load_id and runs.published_at >= loads.loaded_at
qualify
    row_number() over (
        partition by learner_facts.learner_id
        order by learner_facts.observed_at desc, learner_facts.load_id desc
    ) = 1;

update risk_scores
set
    learner_number = facts.number,
    last_login = facts.last_login,
    completed_percent = facts.completed_percent,
    avg_quiz_score = facts.avg_quiz_score,
    consecutive_missed_sessions = facts.consecutive_missed_sessions,
    days_inactive = facts.days_inactive
from temp.facts_of_scores as facts
where risk_scores.learner_id = facts.learner_id;

drop table temp.facts_of_scores;

comment on column risk_scores.learner_number is 'The number of the enrolment; to join by.';
comment on column risk_scores.last_login is '(P) What the score was made from, UTC; null means never logged in.';
comment on column risk_scores.completed_percent is '(P) What the score was made from, 0 to 100; null means unknown.';
comment on column risk_scores.avg_quiz_score is '(P) What the score was made from, 0 to 100; null means no quiz yet.';
comment on column risk_scores.consecutive_missed_sessions is '(P) What the score was made from, 0 or more.';
comment on column risk_scores.days_inactive is '(P) Days since the last login or enrolment; null where neither is known.';

alter table run_scores add column learner_number integer;

alter table run_scores add column last_login timestamp;

alter table run_scores add column completed_percent double;

alter table run_scores add column avg_quiz_score double;

alter table run_scores add column consecutive_missed_sessions integer;

alter table run_scores add column days_inactive double;

-- A run that was stopped may be taken up again.
update run_scores
set
    learner_number = facts.number,
    last_login = facts.last_login,
    completed_percent = facts.completed_percent,
    avg_quiz_score = facts.avg_quiz_score,
    consecutive_missed_sessions = facts.consecutive_missed_sessions,
    days_inactive = days_inactive(facts.last_login, facts.enrolled_at, facts.as_of)
from (
    select
        runs.run_id,
        runs.as_of,
        learners.number,
        learners.enrolled_at,
        learner_facts.*
    from runs
    inner join learner_facts on runs.as_of >= learner_facts.observed_at
    inner join learners on learner_facts.learner_id = learners.id
    where runs.run_id in (select waiting.run_id from run_scores as waiting)
    qualify
        row_number() over (
            partition by runs.run_id, learner_facts.learner_id
            order by learner_facts.observed_at desc, learner_facts.load_id desc
        ) = 1
) as facts
where run_scores.run_id = facts.run_id and run_scores.learner_id = facts.learner_id;
