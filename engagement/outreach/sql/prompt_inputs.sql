-- One row per draft: what its prompt is made of, as known at $as_of, or why a model is told nothing.
create or replace temp table prompt_inputs as
with known as (

    select * from facts_at($as_of)

),

final as (

    select
        wanted.id,
        wanted.learner_id,
        wanted.type,
        wanted.channel,
        wanted.locale,
        wanted.variant,
        wanted.risk_score,
        case
            when coalesce(person_refusals.llm_opt_out, false) then 'opted_out'
            -- a quiz about a neutral word would be about nothing
            when wanted.type = 'quiz' and wanted.topic is not null and topics.title is null then 'unconfirmed_topic'
        end as withheld,
        programs.title as program_title,
        topics.title as topic_title,
        known.learner_id is not null and known.last_login is null and not known.login_is_unknown as never_logged_in,
        work_done(
            $basis, known.completed_percent, known.completed_percent_due, known.completed_percent_course
        ) as completed_percent,
        known.avg_quiz_score,
        known.consecutive_missed_sessions,
        case
            when known.learner_id is not null and not known.login_is_unknown
                then days_inactive(known.last_login, learners.enrolled_at, $as_of)
        end as days_inactive
    from temp.to_draft as wanted
    inner join learners on wanted.learner_id = learners.id
    left join known on wanted.learner_id = known.learner_id
    left join titles as programs on programs.kind = 'program' and wanted.program = programs.text
    left join titles as topics on topics.kind = 'topic' and wanted.topic = topics.text
    left join person_refusals on learners.person_number = person_refusals.person_number

)

select * from final;
