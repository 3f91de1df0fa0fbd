-- One row per learner with a published score, worst first, with what the score was made from.
with known as (

    -- not the newest facts: those of a later load explain another score
    select learner_facts.*
    from risk_scores
    inner join runs on risk_scores.run_id = runs.run_id
    inner join learner_facts
        on risk_scores.learner_id = learner_facts.learner_id and risk_scores.as_of >= learner_facts.observed_at
    inner join loads on learner_facts.load_id = loads.load_id and runs.published_at >= loads.loaded_at
    qualify
        row_number() over (
            partition by learner_facts.learner_id
            order by learner_facts.observed_at desc, learner_facts.load_id desc
        ) = 1

)

select
    learners.id,
    learners.name,
    learners.program,
    risk_scores.risk_score,
    risk_scores.risk_label,
    risk_scores.behind_pace,
    risk_scores.low_quiz,
    risk_scores.missed_session,
    risk_scores.inactivity,
    known.completed_percent,
    known.avg_quiz_score,
    known.consecutive_missed_sessions,
    known.last_login,
    days_inactive(known.last_login, learners.enrolled_at, risk_scores.as_of) as days_inactive,
    risk_scores.as_of,
    runs.policy
from risk_scores
inner join learners on risk_scores.learner_id = learners.id
inner join runs on risk_scores.run_id = runs.run_id
left join known on risk_scores.learner_id = known.learner_id
where
    ($risk is null or risk_scores.risk_label = $risk)
    and ($program is null or learners.program = $program)
    and ($id is null or learners.id = $id)
order by risk_scores.risk_score desc nulls last, learners.id
limit $limit;
