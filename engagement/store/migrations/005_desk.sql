-- What a page of learners needs at once: numbers to join by, and what a score was made from beside it.
-- Joined by its text id, a million learners take several times as long.
create sequence learner_numbers;

alter table learners add column number integer;

update learners
set number = nextval('learner_numbers');

alter table learners alter column number set default nextval('learner_numbers');

comment on column learners.number is 'Counts the enrolments of this store; to join by.';

alter table learners add column person_number integer;

update learners
set person_number = firsts.number
from (
    select
        person_id,
        min(number) as number
    from learners
    group by person_id
) as firsts
where learners.person_id = firsts.person_id;

comment on column learners.person_number is '(P) The number of the first enrolment of the person; to join by.';

alter table risk_scores add column learner_number integer;

alter table risk_scores add column last_login timestamp;

alter table risk_scores add column completed_percent double;

alter table risk_scores add column avg_quiz_score double;

alter table risk_scores add column consecutive_missed_sessions integer;

alter table risk_scores add column days_inactive double;

update risk_scores
set learner_number = learners.number
from learners
where risk_scores.learner_id = learners.id;

-- Not the newest facts: those of a later load explain another score.
update risk_scores
set
    last_login = facts.last_login,
    completed_percent = facts.completed_percent,
    avg_quiz_score = facts.avg_quiz_score,
    consecutive_missed_sessions = facts.consecutive_missed_sessions,
    days_inactive = days_inactive(facts.last_login, facts.enrolled_at, risk_scores.as_of)
from (
    select
        learners.enrolled_at,
        learner_facts.*
    from risk_scores as scored
    inner join learners on scored.learner_id = learners.id
    inner join runs on scored.run_id = runs.run_id
    inner join learner_facts
        on scored.learner_id = learner_facts.learner_id and scored.as_of >= learner_facts.observed_at
    inner join loads on learner_facts.load_id = loads.load_id and runs.published_at >= loads.loaded_at
    qualify
        row_number() over (
            partition by learner_facts.learner_id
            order by learner_facts.observed_at desc, learner_facts.load_id desc
        ) = 1
) as facts
where risk_scores.learner_id = facts.learner_id;

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
set learner_number = learners.number
from learners
where run_scores.learner_id = learners.id;

update run_scores
set
    last_login = facts.last_login,
    completed_percent = facts.completed_percent,
    avg_quiz_score = facts.avg_quiz_score,
    consecutive_missed_sessions = facts.consecutive_missed_sessions,
    days_inactive = days_inactive(facts.last_login, facts.enrolled_at, facts.as_of)
from (
    select
        runs.run_id,
        runs.as_of,
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
