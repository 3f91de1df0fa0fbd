-- One row: of the runs whose scores are shown to a viewer of $programs (null: all), the one published last.
select
    run_id,
    published_at
from runs
where
    published_at is not null
    and run_id in (
        select scores.run_id
        from risk_scores as scores
        inner join learners on scores.learner_number = learners.number
        where $programs is null or list_contains($programs::text[], learners.program)
    )
order by published_at desc, run_id desc
limit 1;
