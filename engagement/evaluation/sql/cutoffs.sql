-- One row per learner and week of their cohort by $as_of: what was known when the week ended, and whether they left
-- later. Facts are cut off before anything is joined to them. Weeks count from a cohort's first facts.
create or replace temp table cutoffs as
with facts as (

    select
        learner_facts.*,
        learners.program,
        coalesce(learners.cohort, '') as cohort
    from learner_facts
    inner join learners on learner_facts.learner_id = learners.id
    where
        learner_facts.observed_at <= $as_of
        and ($program is null or learners.program = $program)
    qualify
        row_number()
            over (
                partition by learner_facts.learner_id, learner_facts.observed_at
                order by learner_facts.load_id desc
            )
        = 1

),

cohorts as (

    select
        program,
        cohort,
        min(observed_at) as first_at
    from facts
    group by program, cohort

),

weeks as (

    select
        cohorts.program,
        cohorts.cohort,
        numbers.week::integer as week,
        cohorts.first_at + to_weeks((numbers.week - 1)::integer) as ends_at
    from cohorts
    cross join range(1, 1 + $weeks) as numbers (week)
    where cohorts.first_at + to_weeks((numbers.week - 1)::integer) <= $as_of

),

ends as (

    select
        learner_id,
        timestamp as ended_at,
        type in ('course_withdrawn', 'course_failed') as has_left
    from events
    where
        type in ('course_withdrawn', 'course_failed', 'course_passed', 'course_distinction')
        and timestamp <= $as_of
    qualify row_number() over (partition by learner_id order by timestamp desc, id) = 1

),

signs as (

    select
        events.learner_id,
        events.timestamp as seen_at,
        learners.program
    from events
    inner join learners on events.learner_id = learners.id
    where
        events.type in ('login', 'session_attended', 'quiz_completed')
        and events.timestamp <= $as_of
        and $outcome = 'quiet'

),

there as (

    select
        learners.id,
        learners.person_id,
        learners.enrolled_at,
        weeks.program,
        weeks.cohort,
        weeks.week,
        weeks.ends_at,
        ends.has_left
    from weeks
    inner join learners on weeks.program = learners.program and weeks.cohort = coalesce(learners.cohort, '')
    left join ends on learners.id = ends.learner_id
    where
        active_at(learners.active, learners.inactive_since, weeks.ends_at)
        and coalesce(learners.enrolled_at <= weeks.ends_at, true)
        and coalesce(ends.ended_at > weeks.ends_at, true)

),

known as (

    select
        there.*,
        facts.last_login,
        facts.login_is_unknown,
        facts.completed_percent,
        facts.completed_percent_due,
        facts.completed_percent_course,
        facts.avg_quiz_score,
        facts.consecutive_missed_sessions
    from there
    asof inner join facts on there.id = facts.learner_id and there.ends_at >= facts.observed_at

),

next_sign as (

    select
        known.id,
        known.week,
        signs.seen_at
    from known
    asof inner join signs on known.id = signs.learner_id and known.ends_at < signs.seen_at

),

final as (

    select
        known.cohort,
        known.program,
        known.week,
        known.ends_at,
        known.person_id as person,
        known.completed_percent,
        known.completed_percent_due,
        known.completed_percent_course,
        known.avg_quiz_score,
        known.consecutive_missed_sessions,
        case when not known.login_is_unknown then days_inactive(known.last_login, known.enrolled_at, known.ends_at) end
            as days_inactive,
        known.login_is_unknown,
        case
            when $outcome = 'left' then known.has_left
            when known.ends_at + to_days($quiet_days::integer) <= $as_of
                then coalesce(next_sign.seen_at > known.ends_at + to_days($quiet_days::integer), true)
        end as has_left
    from known
    left join next_sign on known.id = next_sign.id and known.week = next_sign.week
    where $outcome = 'left' or known.program in (select signs.program from signs)

)

select *
from final
where has_left is not null
order by min(ends_at) over (partition by cohort), cohort, program, week, person;
