-- One row per group of $name with a current score (or one of $run_id, where it is not null): learners by what the score
-- says, by what was done, and by how it ended for whom that is known.
with scores as (

    select
        learner_id,
        risk_label,
        as_of
    from risk_scores
    where $run_id is null

    union all

    select
        run_scores.learner_id,
        run_scores.risk_label,
        runs.as_of
    from run_scores
    inner join runs on run_scores.run_id = runs.run_id
    where run_scores.run_id = $run_id

),

drafts as (

    select
        learner_id,
        bool_or(gpt_fallback) as from_template
    from nudges
    where
        run_id = coalesce(
            $run_id,
            (
                select arg_max(runs.run_id, (runs.as_of, runs.published_at))
                from runs
                where runs.pipeline = 'nightly' and runs.published_at is not null
            )
        )
    group by learner_id

),

outcomes as (

    select
        events.learner_id,
        arg_max(events.type in ('course_withdrawn', 'course_failed'), events.timestamp) as has_left
    from events
    inner join scores on events.learner_id = scores.learner_id
    where
        events.type in ('course_withdrawn', 'course_failed', 'course_passed', 'course_distinction')
        and events.timestamp > scores.as_of
    group by events.learner_id

),

final as (

    select
        groups.value as "group",
        count(*) as learners,
        count(*) filter (where scores.risk_label = 'high') as high,
        count(*) filter (where list_contains($at_risk, scores.risk_label)) as at_risk,
        count(*) filter (where scores.risk_label = 'unknown') as unknown,
        count(drafts.learner_id) as drafted,
        count(*) filter (where drafts.from_template) as from_template,
        count(*) filter (where outcomes.has_left) as has_left,
        count(*) filter (where outcomes.has_left and not list_contains($at_risk, scores.risk_label)) as missed,
        count(*) filter (where not outcomes.has_left) as stayed,
        count(*) filter (where not outcomes.has_left and list_contains($at_risk, scores.risk_label)) as false_alarms
    from scores
    inner join learner_groups as groups on scores.learner_id = groups.learner_id and groups.name = $name
    left join drafts on scores.learner_id = drafts.learner_id
    left join outcomes on scores.learner_id = outcomes.learner_id
    group by groups.value

)

select * from final
order by learners desc, "group";
