-- One row per program, the largest first: its active learners, of how many each input is known at $as_of, since when,
-- and the newest. A fact of a date lies at its end: until then it is known since $now.
with enrolled as (

    select
        id,
        program,
        email
    from learners
    where
        active_at(active, inactive_since, $as_of)
        and ($programs is null or list_contains($programs::text[], program))

),

here as (

    select
        enrolled.program,
        count(*) as learners,
        count(*) filter (where not facts.login_is_unknown) as last_login_known,
        max(facts.last_login) as last_login_newest,
        count(
            coalesce(facts.completed_percent, facts.completed_percent_due, facts.completed_percent_course)
        ) as done_known,
        count(*) filter (
            where
            coalesce(facts.completed_percent_due, facts.completed_percent) is not null
            and facts.completed_percent is distinct from facts.completed_percent_course
        ) as due_known,
        count(facts.completed_percent_course) as course_known,
        count(facts.avg_quiz_score) as avg_quiz_score_known,
        count(facts.consecutive_missed_sessions) as consecutive_missed_sessions_known,
        count(enrolled.email) as email_known
    from enrolled
    left join facts_at($as_of) as facts on enrolled.id = facts.learner_id
    group by enrolled.program

),

observed as (

    select
        enrolled.program,
        least(min(facts.observed_at) filter (where not facts.login_is_unknown), $now) as last_login_since,
        least(
            min(facts.observed_at) filter (
                where coalesce(facts.completed_percent, facts.completed_percent_due, facts.completed_percent_course)
                is not null
            ),
            $now
        ) as done_since,
        least(
            max(facts.observed_at) filter (
                where coalesce(facts.completed_percent, facts.completed_percent_due, facts.completed_percent_course)
                is not null
            ),
            $now
        ) as done_newest,
        least(min(facts.observed_at) filter (where facts.avg_quiz_score is not null), $now) as avg_quiz_score_since,
        least(max(facts.observed_at) filter (where facts.avg_quiz_score is not null), $now) as avg_quiz_score_newest,
        least(min(facts.observed_at) filter (where facts.consecutive_missed_sessions is not null), $now)
            as consecutive_missed_sessions_since,
        least(max(facts.observed_at) filter (where facts.consecutive_missed_sessions is not null), $now)
            as consecutive_missed_sessions_newest
    from enrolled
    inner join learner_facts as facts on enrolled.id = facts.learner_id
    where facts.observed_at <= $as_of
    group by enrolled.program

),

happened as (

    select
        enrolled.program,
        count(distinct events.learner_id) as events_known,
        min(events.timestamp) as events_since,
        max(events.timestamp) as events_newest
    from enrolled
    inner join events on enrolled.id = events.learner_id
    where events.timestamp <= $as_of and events.actor = 'import'
    group by enrolled.program

),

final as (

    select
        here.*,
        case when here.last_login_known > 0 then observed.last_login_since end as last_login_since,
        case when here.done_known > 0 then observed.done_since end as done_since,
        case when here.done_known > 0 then observed.done_newest end as done_newest,
        case when here.avg_quiz_score_known > 0 then observed.avg_quiz_score_since end as avg_quiz_score_since,
        case when here.avg_quiz_score_known > 0 then observed.avg_quiz_score_newest end as avg_quiz_score_newest,
        case
            when here.consecutive_missed_sessions_known > 0 then observed.consecutive_missed_sessions_since
        end as consecutive_missed_sessions_since,
        case
            when here.consecutive_missed_sessions_known > 0 then observed.consecutive_missed_sessions_newest
        end as consecutive_missed_sessions_newest,
        null::timestamp as email_since,
        null::timestamp as email_newest,
        coalesce(happened.events_known, 0) as events_known,
        happened.events_since,
        happened.events_newest
    from here
    left join observed on here.program = observed.program
    left join happened on here.program = happened.program

)

select * from final
order by learners desc, program asc;
