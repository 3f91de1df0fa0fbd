-- One row per word of the history for which the run has a newer one: of an instant, the last attempt's word holds.
update risk_history
set superseded = true
where
    as_of = $as_of
    and run_id <> $run_id
    and learner_id in (select newer.learner_id from risk_history as newer where newer.run_id = $run_id);
