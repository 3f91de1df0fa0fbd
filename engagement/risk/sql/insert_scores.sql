-- One row per learner of the run who has no current score (any more): a later one stays.
insert into risk_scores by name
select
    run_scores.learner_id,
    run_scores.learner_number,
    $as_of as as_of,
    run_scores.risk_score,
    run_scores.risk_label,
    run_scores.behind_pace,
    run_scores.low_quiz,
    run_scores.missed_session,
    run_scores.inactivity,
    run_scores.last_login,
    run_scores.login_is_unknown,
    run_scores.completed_percent,
    run_scores.avg_quiz_score,
    run_scores.consecutive_missed_sessions,
    run_scores.days_inactive,
    $policy_hash as policy_hash,
    $run_id as run_id
from run_scores
where
    run_scores.run_id = $run_id
    and run_scores.learner_id not in (select risk_scores.learner_id from risk_scores);
