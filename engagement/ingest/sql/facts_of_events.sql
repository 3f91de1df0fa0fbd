-- One row per learner with events that feed a fact, as they tell it at $as_of; what they do not tell is what was known.
with seen as (

    select
        learner_id,
        max(timestamp) filter (where list_contains($of_login, type)) as last_login,
        max(timestamp) filter (where type = 'session_attended') as attended_at,
        bool_or(type = 'session_attended' or type = 'session_missed') as has_sessions
    from events
    where timestamp <= $as_of and list_contains($feeding, type)
    group by learner_id

),

missed as (

    select
        events.learner_id,
        count(*) as missed
    from events
    inner join seen on events.learner_id = seen.learner_id
    where
        events.type = 'session_missed'
        and events.timestamp <= $as_of
        and (seen.attended_at is null or events.timestamp > seen.attended_at)
    group by events.learner_id

),

scored as (

    select
        learner_id,
        coalesce(json_extract_string(metadata, '$.item'), id) as item,
        try_cast(json_extract_string(metadata, '$.score') as double) as score
    from events
    where type = 'quiz_completed' and timestamp <= $as_of

),

-- the best attempt at each quiz
best as (

    select
        learner_id,
        item,
        least(max(score), 100) as score
    from scored
    where score >= 0
    group by learner_id, item

),

averages as (

    select
        learner_id,
        avg(score) as avg_quiz_score
    from best
    group by learner_id

),

final as (

    select
        seen.learner_id as id,
        learners.program,
        case
            when known.last_login > seen.last_login then known.last_login
            else coalesce(seen.last_login, known.last_login)
        end as login,
        login is null and coalesce(known.login_is_unknown, true) as is_unknown,
        coalesce(averages.avg_quiz_score, known.avg_quiz_score) as avg_quiz_score,
        case
            when seen.has_sessions then coalesce(missed.missed, 0)
            else known.consecutive_missed_sessions
        end as consecutive_missed_sessions
    from seen
    inner join learners on seen.learner_id = learners.id
    left join facts_at($as_of) as known on seen.learner_id = known.learner_id
    left join missed on seen.learner_id = missed.learner_id
    left join averages on seen.learner_id = averages.learner_id

)

select
    id,
    program,
    case
        when is_unknown then 'unknown'
        else strftime(login, '%Y-%m-%dT%H:%M:%S.%f')
    end as last_login,
    avg_quiz_score,
    consecutive_missed_sessions,
    row_number() over (order by id) as line
from final
order by id
