-- One row: the chance that a kept calibration gives a learner, of what, and by which data; none where there is none.
select
    chances.risk_probability,
    chances.week,
    calibrations.outcome,
    calibrations.cohorts,
    calibrations.learners,
    calibrations.kept_at
from risk_probabilities as chances
inner join calibrations on chances.calibration_id = calibrations.calibration_id
where chances.learner_id = $id and chances.risk_probability is not null;
