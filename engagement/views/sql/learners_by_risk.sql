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
    risk_scores.completed_percent,
    risk_scores.avg_quiz_score,
    risk_scores.consecutive_missed_sessions,
    risk_scores.last_login,
    risk_scores.login_is_unknown,
    risk_scores.days_inactive,
    risk_scores.as_of,
    risk_scores.policy_hash,
    runs.policy,
    chances.risk_probability
from risk_scores
inner join learners on risk_scores.learner_id = learners.id
inner join runs on risk_scores.run_id = runs.run_id
left join risk_probabilities as chances on risk_scores.learner_id = chances.learner_id
where
    ($risk is null or risk_scores.risk_label = $risk)
    and ($program is null or learners.program = $program)
    and ($ids is null or list_contains($ids::text[], learners.id))
order by risk_scores.risk_score desc nulls last, learners.id
limit $limit;
