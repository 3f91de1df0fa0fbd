-- One row per learner with a published score, worst first, with what the score was made from.
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
    newest_facts.completed_percent,
    newest_facts.avg_quiz_score,
    newest_facts.consecutive_missed_sessions,
    newest_facts.last_login,
    days_inactive(newest_facts.last_login, learners.enrolled_at, risk_scores.as_of) as days_inactive,
    risk_scores.as_of,
    runs.policy
from risk_scores
inner join learners on risk_scores.learner_id = learners.id
inner join runs on risk_scores.run_id = runs.run_id
left join newest_facts on risk_scores.learner_id = newest_facts.learner_id
where
    ($risk is null or risk_scores.risk_label = $risk)
    and ($program is null or learners.program = $program)
    and ($id is null or learners.id = $id)
order by risk_scores.risk_score desc nulls last, learners.id
limit $limit;
