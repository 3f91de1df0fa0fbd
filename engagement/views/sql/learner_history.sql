-- One row per published score of a learner, the oldest first: the moment it is for, score and label.
select
    risk_history.as_of,
    risk_history.risk_score,
    risk_history.risk_label
from risk_history
inner join runs on risk_history.run_id = runs.run_id
where risk_history.learner_id = $id
order by risk_history.as_of, runs.published_at, runs.run_id;
