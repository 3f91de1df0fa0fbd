-- One row per learner whose label is worse than in `labels_before`, the highest score first.
select
    learners.id,
    learners.name,
    learners.program,
    labels_before.risk_label as "from",
    risk_scores.risk_label as "to",
    risk_scores.risk_score
from temp.labels_before
inner join risk_scores on labels_before.learner_id = risk_scores.learner_id
inner join learners on risk_scores.learner_id = learners.id
where list_position($better_first, risk_scores.risk_label) > labels_before.rank
order by risk_scores.risk_score desc, learners.id
limit $shown;
