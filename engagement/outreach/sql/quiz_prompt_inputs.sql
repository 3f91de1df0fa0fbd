-- One row per quiz to draft: what its prompt is made of, as known at $as_of, or why a model is told nothing.
create or replace temp table prompt_inputs as
with known as (

    select * from facts_at($as_of)

),

opted_out as (

    select distinct person_id
    from learners
    where llm_opt_out

),

final as (

    select
        wanted.id,
        wanted.learner_id,
        'quiz' as type,
        'quiz' as channel,
        wanted.locale,
        wanted.option_order % 3 + 1 as variant,
        wanted.risk_score,
        case
            when opted_out.person_id is not null then 'opted_out'
            when wanted.topic is not null and topics.title is null then 'unconfirmed_topic'
        end as withheld,
        topics.title as topic_title,
        known.avg_quiz_score
    from temp.quizzes_to_draft as wanted
    left join known on wanted.learner_id = known.learner_id
    left join titles as topics on topics.kind = 'topic' and wanted.topic = topics.text
    left join opted_out on wanted.person_id = opted_out.person_id

)

select * from final;
