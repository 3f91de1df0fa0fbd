-- One row per author of a run's drafts: a model, or a template and why it stands in.
with drafts as (

    select
        'nudge' as kind,
        model,
        reason
    from nudges
    where run_id = $run_id

    union all

    select
        'quiz' as kind,
        model,
        reason
    from quizzes
    where run_id = $run_id

)

select
    model,
    reason,
    count(*) filter (where kind = 'nudge') as nudges,
    count(*) filter (where kind = 'quiz') as quizzes
from drafts
group by model, reason
order by reason is not null, count(*) desc, reason;
