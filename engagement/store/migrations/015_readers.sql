-- What several readers ask, said once: what the history says of a score, who was contacted, and how much work is done.

-- Two attempts for one instant: the word of the later holds. Marked when it is written: a window over the history of a
-- million learners would be looked through at each question.
alter table risk_history add column superseded boolean default false;

update risk_history
set superseded = true
from (
    select
        risk_history.learner_id,
        risk_history.as_of,
        max(struct_pack(published_at := runs.published_at, run_id := runs.run_id)) as newest
    from risk_history
    inner join runs on risk_history.run_id = runs.run_id
    group by risk_history.learner_id, risk_history.as_of
    having count(*) > 1
) as tied
where
    risk_history.learner_id = tied.learner_id
    and risk_history.as_of = tied.as_of
    and risk_history.run_id <> tied.newest.run_id;

comment on column risk_history.superseded is 'Whether a later attempt for the same instant has another word.';


create view score_words as
select
    risk_history.learner_id,
    risk_history.as_of,
    runs.day,
    risk_history.risk_score,
    risk_history.risk_label,
    risk_history.policy_hash,
    risk_history.run_id
from risk_history
inner join runs on risk_history.run_id = runs.run_id
where runs.published_at is not null and not coalesce(risk_history.superseded, false);

comment on view score_words is
'One row per learner and instant at which the published score was another: it holds until the next one.';
comment on column score_words.day is 'The day of as_of where the institution is.';


-- What happened, and nothing that only may: an approved message waits, and nobody has been written to.
create view contacts_made as
select
    learner_id,
    sent_at as contacted_at,
    'message' as way
from published_nudges
where status in ('sent', 'delivered') and sent_at is not null

union all

select
    learner_id,
    timestamp as contacted_at,
    'phone_call' as way
from events
where type = 'phone_call';

comment on view contacts_made is
'(P) One row per message that was sent to a learner, and per call: what is shown as a contact, and call lists leave out.';
comment on column contacts_made.contacted_at is 'When it was sent, or when somebody phoned.';
comment on column contacts_made.way is 'message or phone_call.';


-- Percent of the work done, of what the policy counts: what was due as it was loaded, or the whole course. A count of
-- which nobody said what it is of stands for both; where that of the course is wanted and only the other was loaded,
-- it is not known.
create macro work_done(basis, completed_percent, of_due, of_course) as (
    case
        when basis <> 'course' then completed_percent
        when of_course is null and of_due is null then completed_percent
        else of_course
    end
);
