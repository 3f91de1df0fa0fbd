-- One row per enrolment of the $persons: who it is, and what its score was made from.
select
    learners.number,
    learners.person_number,
    learners.id,
    learners.name,
    learners.program,
    learners.active,
    coalesce(person_refusals.contact_opt_out, false) as opted_out,
    learners.phone,
    scores.risk_score,
    scores.risk_label,
    scores.behind_pace,
    scores.low_quiz,
    scores.missed_session,
    scores.inactivity,
    scores.completed_percent,
    scores.avg_quiz_score,
    scores.consecutive_missed_sessions,
    scores.last_login,
    scores.login_is_unknown,
    scores.days_inactive,
    runs.policy
from learners
left join person_refusals on learners.person_number = person_refusals.person_number
left join risk_scores as scores on learners.number = scores.learner_number
left join runs on scores.run_id = runs.run_id
where learners.person_number in (select unnest($persons::integer[]));
