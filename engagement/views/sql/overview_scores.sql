-- One row per program of $programs (null: all), label and bin of 0.05 of the newest published scores: learners.
select
    learners.program,
    scores.risk_label as label,
    case when scores.risk_score is not null then least(floor(scores.risk_score * 20), 19) / 20 end as score_from,
    count(*) as learners
from risk_scores as scores
inner join learners on scores.learner_number = learners.number
where $programs is null or list_contains($programs::text[], learners.program)
group by all;
