-- One row per group of $name (null: no group is known) and kind of learner: whom the newest published scores (or those
-- of $run_id, where it is not null) label how, whether the run $night has a draft for them and by whom, how it ended.
with scores as (

    select
        learner_id,
        risk_label
    from risk_scores
    where $run_id is null

    union all

    select
        learner_id,
        risk_label
    from run_scores
    where run_id = $run_id

),

-- Also those of earlier attempts for the day that stay, as somebody has touched them.
drafts_of_day as (

    select
        nudges.learner_id,
        nudges.gpt_fallback
    from nudges
    inner join runs as night on nudges.campaign = night.pipeline and nudges.period = strftime(night.day, '%Y-%m-%d')
    inner join runs as attempt on nudges.run_id = attempt.run_id
    where
        night.run_id = $night
        and (
            nudges.run_id = $night
            or (
                attempt.published_at is not null
                and not gives_way(
                    nudges.run_id, nudges.gpt_fallback, nudges.reason, nudges.status, nudges.changed_by, $night, false
                )
            )
        )

),

drafts as (

    select
        learner_id,
        bool_or(gpt_fallback) as from_template
    from drafts_of_day
    group by learner_id

),

ends as (

    select
        learner_id,
        max(timestamp) as ended_at,
        arg_max(type in ('course_withdrawn', 'course_failed'), timestamp) as has_left
    from events
    where
        type in ('course_withdrawn', 'course_failed', 'course_passed', 'course_distinction')
        and ($run_id is null or timestamp <= (select as_of from runs where run_id = $run_id))
    group by learner_id

),

-- What the score said before it ended: who has left is not scored any more.
outcomes as (

    select
        ends.learner_id,
        ends.has_left,
        list_contains($at_risk::text[], arg_max(score_words.risk_label, score_words.as_of)) as was_found
    from ends
    inner join score_words on ends.learner_id = score_words.learner_id and ends.ended_at > score_words.as_of
    group by ends.learner_id, ends.has_left

),

learners_of_group as (

    select
        learner_id,
        value
    from learner_groups
    where name = $name

),

final as (

    select
        learners_of_group.value as "group",
        scores.risk_label as label,
        drafts.from_template,
        outcomes.has_left,
        outcomes.was_found,
        count(*) as learners
    from scores
    full join learners_of_group on scores.learner_id = learners_of_group.learner_id
    left join drafts on scores.learner_id = drafts.learner_id
    left join outcomes on learners_of_group.learner_id = outcomes.learner_id
    where scores.learner_id is not null or outcomes.learner_id is not null
    group by all

)

select * from final
order by all;
