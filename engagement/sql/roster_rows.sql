-- One row per learner of $numbers, in their order: who they are, and what their score was made from.
with shown as (

    select
        unnest($numbers::integer[]) as number,
        generate_subscripts($numbers::integer[], 1) as place

)

select
    learners.id,
    learners.person_number,
    learners.name,
    learners.program,
    learners.active,
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
    scores.days_inactive,
    runs.policy
from shown
inner join learners on shown.number = learners.number
left join risk_scores as scores on shown.number = scores.learner_number
left join runs on scores.run_id = runs.run_id
order by shown.place;
