-- One row per learner who enrolled by $as_of: whole weeks from enrolment until they left, passed, or $as_of.
with ends as (

    select
        learner_id,
        min(timestamp) as ended_at,
        arg_min(type in ('course_withdrawn', 'course_failed'), timestamp) as has_left
    from events
    where
        type in ('course_withdrawn', 'course_failed', 'course_passed', 'course_distinction')
        and timestamp <= $as_of
    group by learner_id

),

first_seen as (

    select
        learner_id,
        min(observed_at) as first_at
    from learner_facts
    where observed_at <= $as_of
    group by learner_id

),

followed as (

    select
        coalesce(learners.cohort, 'no cohort') as cohort,
        coalesce(learners.enrolled_at, first_seen.first_at) as begins_at,
        ends.ended_at,
        coalesce(ends.has_left, false) as has_left,
        if(learners.inactive_since <= $as_of, learners.inactive_since, null) as inactive_at
    from learners
    inner join first_seen on learners.id = first_seen.learner_id
    left join ends on learners.id = ends.learner_id
    where
        ($program is null or learners.program = $program)
        and ($cohort is null or learners.cohort = $cohort)

),

final as (

    select
        cohort,
        (
            floor(greatest(epoch(coalesce(ended_at, inactive_at, $as_of)) - epoch(begins_at), 0) / 604800)
        )::bigint as weeks,
        has_left or (ended_at is null and inactive_at is not null) as has_left
    from followed
    where begins_at <= $as_of

)

select * from final
order by cohort, weeks;
