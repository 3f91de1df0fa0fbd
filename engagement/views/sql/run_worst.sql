-- One row per learner of $numbers, in that order, with what the score of a run was made from.
with known as (

    select * from facts_at($as_of)

),

final as (

    select
        run_scores.learner_id as id,
        learners.name,
        learners.program,
        run_scores.risk_score,
        run_scores.risk_label,
        run_scores.behind_pace,
        run_scores.low_quiz,
        run_scores.missed_session,
        run_scores.inactivity,
        known.completed_percent,
        known.avg_quiz_score,
        known.consecutive_missed_sessions,
        known.last_login,
        days_inactive(known.last_login, learners.enrolled_at, $as_of) as days_inactive,
        contact_decisions.type as nudge
    from run_scores
    inner join learners on run_scores.learner_id = learners.id
    inner join known on run_scores.learner_id = known.learner_id
    left join contact_decisions
        on run_scores.learner_id = contact_decisions.learner_id and contact_decisions.run_id = $run_id
    where run_scores.run_id = $run_id and list_contains($numbers::integer[], run_scores.learner_number)
    order by list_position($numbers::integer[], run_scores.learner_number)

)

select * from final;
