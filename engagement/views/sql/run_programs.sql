-- One row per program in a run: learners by label, mean risk (0 to 1), worst program first.
select
    learners.program,
    count(*) as learners,
    count(*) filter (where run_scores.risk_label = 'high') as high,
    count(*) filter (where run_scores.risk_label = 'medium') as medium,
    count(*) filter (where run_scores.risk_label = 'low') as low,
    count(*) filter (where run_scores.risk_label = 'unknown') as unknown,
    round(avg(run_scores.risk_score), 2) as mean_risk
from run_scores
inner join learners on run_scores.learner_id = learners.id
where run_scores.run_id = $run_id
group by learners.program
order by high / count(*) desc, learners.program;
