-- One row per learner of $numbers, in that order, with what the score of a run was made from.
with final as (

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
        run_scores.completed_percent,
        run_scores.avg_quiz_score,
        run_scores.consecutive_missed_sessions,
        run_scores.last_login,
        run_scores.login_is_unknown,
        run_scores.days_inactive,
        contact_decisions.type as nudge,
        contact_decisions.reason
    from run_scores
    inner join learners on run_scores.learner_id = learners.id
    left join contact_decisions
        on run_scores.learner_id = contact_decisions.learner_id and contact_decisions.run_id = $run_id
    where run_scores.run_id = $run_id and list_contains($numbers::integer[], run_scores.learner_number)
    order by list_position($numbers::integer[], run_scores.learner_number)

)

select * from final;
