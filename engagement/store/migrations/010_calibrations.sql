-- Chances in place of scores, fitted on cohorts that have ended.
create table calibrations (
    calibration_id text not null,
    policy_hash text not null,
    outcome text not null,
    cohorts text not null,
    learners bigint not null,
    kept_at timestamp not null
);

comment on table calibrations is 'One row per calibration of the score that is kept, with where it comes from.';
comment on column calibrations.policy_hash is 'The numbers of the formula whose scores it is for.';
comment on column calibrations.outcome is 'Whose chance it is: left (withdrew or failed later), quiet (not seen in 14 days).';
comment on column calibrations.cohorts is 'The cohorts it was fitted on.';
comment on column calibrations.learners is 'Learners it was fitted on, each once for each week.';

create table calibration_points (
    calibration_id text not null,
    week smallint not null,
    step smallint not null,
    probability double not null
);

comment on table calibration_points is 'One row per calibration, week and thousandth of the score.';
comment on column calibration_points.week is 'Of the course, counted from the first facts of a cohort.';
comment on column calibration_points.step is 'The score in thousandths, 0 to 1000, rounded.';
comment on column calibration_points.probability is 'The chance of the outcome, 0 to 1.';

create view risk_probabilities as
with newest as (

    select
        policy_hash,
        arg_max(calibration_id, (kept_at, calibration_id)) as calibration_id
    from calibrations
    group by policy_hash

),

cohorts as (

    select
        learners.program,
        coalesce(learners.cohort, '') as cohort,
        min(learner_facts.observed_at) as first_at
    from learner_facts
    inner join learners on learner_facts.learner_id = learners.id
    group by learners.program, coalesce(learners.cohort, '')

),

placed as (

    select
        risk_scores.learner_id,
        risk_scores.as_of,
        risk_scores.risk_score,
        newest.calibration_id,
        1 + floor((epoch(risk_scores.as_of) - epoch(cohorts.first_at)) / 604800)::integer as week,
        floor(risk_scores.risk_score * 1000 + 0.5)::smallint as step
    from risk_scores
    inner join newest on risk_scores.policy_hash = newest.policy_hash
    inner join learners on risk_scores.learner_id = learners.id
    inner join cohorts on learners.program = cohorts.program and coalesce(learners.cohort, '') = cohorts.cohort

)

select
    placed.learner_id,
    placed.as_of,
    placed.week,
    placed.risk_score,
    points.probability as risk_probability,
    placed.calibration_id
from placed
asof left join calibration_points as points
    on
        placed.calibration_id = points.calibration_id
        and placed.step = points.step
        and placed.week >= points.week;

comment on view risk_probabilities is 'One row per learner whose score has a calibration: the chance beside the score.';
comment on column risk_probabilities.risk_probability is
'Chance of the outcome of the calibration, 0 to 1; null without a score or before the first week it was fitted on.';
