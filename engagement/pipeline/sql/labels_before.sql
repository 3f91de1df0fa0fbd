-- One row per learner with a published score, before it is made anew; the higher the rank, the worse the label.
create or replace temp table labels_before as
select
    risk_scores.learner_id,
    risk_scores.risk_label,
    list_position($better_first, risk_scores.risk_label) as rank
from risk_scores
inner join learners on risk_scores.learner_id = learners.id
where $programs is null or learners.program in (select unnest($programs));
