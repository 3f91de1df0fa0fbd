-- One row per published score of a learner, the oldest first: the moment it is for and its day, score and label.
select
    as_of,
    day,
    risk_score,
    risk_label
from score_words
where learner_id = $id
order by as_of;
