-- One row: how many learners have a worse and how many a better label than in `labels_before`.
select
    count(*) filter (where list_position($better_first, risk_scores.risk_label) > labels_before.rank)
        as worse,
    count(*) filter (where list_position($better_first, risk_scores.risk_label) < labels_before.rank)
        as better
from temp.labels_before
inner join risk_scores on labels_before.learner_id = risk_scores.learner_id;
