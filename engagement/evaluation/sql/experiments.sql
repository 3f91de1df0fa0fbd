-- One row per experiment of a published run, newest first: its plan, and how many persons are in which arm.
with planned as (

    select experiments.*
    from experiments
    inner join runs on experiments.run_id = runs.run_id
    where runs.published_at is not null

),

assigned as (

    select
        experiment_id,
        count(*) filter (where arm = 'nudge') as nudge,
        count(*) filter (where arm = 'control') as control
    from published_assignments
    group by experiment_id

),

final as (

    select
        planned.id as experiment,
        planned.holdout,
        planned.term,
        planned.ends_on,
        planned.outcome,
        planned.window_days,
        coalesce(assigned.nudge, 0) as nudge,
        coalesce(assigned.control, 0) as control
    from planned
    left join assigned on planned.id = assigned.experiment_id
    order by planned.planned_at desc, planned.id

)

select * from final;
