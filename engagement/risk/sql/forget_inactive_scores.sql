-- One row per current score of an enrolment that was over by the day of the newest scores.
delete from risk_scores
where
    learner_id in (
        select learners.id
        from learners
        where
            not active_at(
                learners.active,
                learners.inactive_since,
                (select max(newest.as_of) from risk_scores as newest)
            )
    );
