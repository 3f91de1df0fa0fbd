-- One row per learner of the run with a current score that is no later than the run's: it makes room.
delete from risk_scores
where
    as_of <= $as_of
    and learner_id in (select run_scores.learner_id from run_scores where run_scores.run_id = $run_id);
