-- One row: a learner as loaded, with what their person said no to, the newest published score and what it was made
-- from, nulls where there is none.
select
    learners.id,
    learners.person_id,
    learners.name,
    learners.email,
    learners.phone,
    learners.program,
    learners.cohort,
    learners.locale,
    learners.timezone,
    learners.enrolled_at,
    learners.topic,
    learners.preferred_channel,
    learners.whatsapp_opt_in,
    coalesce(person_refusals.contact_opt_out, false) as contact_opt_out,
    coalesce(person_refusals.llm_opt_out, false) as llm_opt_out,
    learners.active,
    scores.risk_score,
    scores.risk_label,
    scores.as_of,
    runs.day as scored_on,
    scores.behind_pace,
    scores.low_quiz,
    scores.missed_session,
    scores.inactivity,
    scores.last_login,
    scores.login_is_unknown,
    scores.completed_percent,
    scores.avg_quiz_score,
    scores.consecutive_missed_sessions,
    scores.days_inactive,
    runs.policy
from learners
left join person_refusals on learners.person_number = person_refusals.person_number
left join risk_scores as scores on learners.number = scores.learner_number
left join runs on scores.run_id = runs.run_id
where learners.id = $id;
