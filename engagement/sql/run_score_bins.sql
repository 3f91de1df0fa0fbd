-- One row per bin of 0.05 and label in a run: learners; bins are null where there is no score.
select
    least(floor(risk_score * 20), 19) / 20 as score_from,
    least(floor(risk_score * 20), 19) / 20 + 0.05 as score_to,
    risk_label as label,
    count(*) as learners
from run_scores
where run_id = $run_id
group by all
order by score_from, label;
