-- One row: the run of a pipeline that was begun last, whatever became of it, and its first step that is not done. With
-- the newest day of a published run where that is later than its own: then it looked back, and drafted nothing.
with last_run as (

    select
        run_id,
        day,
        status,
        started_at,
        finished_at
    from runs
    where pipeline = $pipeline
    order by started_at desc, attempt desc
    limit 1

),

final as (

    select
        last_run.run_id,
        last_run.day,
        (
            select max(newer.day)
            from runs as newer
            where newer.pipeline = $pipeline and newer.published_at is not null and newer.day > last_run.day
        ) as newer_day,
        last_run.status,
        last_run.started_at,
        last_run.finished_at,
        steps.step as failed_step
    from last_run
    left join steps on last_run.run_id = steps.run_id and steps.status <> 'done'
    order by steps.position
    limit 1

)

select * from final;
