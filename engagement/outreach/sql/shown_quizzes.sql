-- One row per quiz of $ids: as a coordinator reads it, and what says whether it may still go out.
with opted_out as (

    select distinct person_id
    from learners
    where contact_opt_out

),

final as (

    select
        quizzes.id,
        quizzes.learner_id,
        learners.name,
        learners.program,
        quizzes.topic,
        quizzes.language,
        quizzes.status,
        quizzes.version,
        risk_scores.risk_score,
        risk_scores.risk_label,
        quizzes.questions,
        quizzes.gpt_fallback,
        quizzes.reason,
        quizzes.model,
        quizzes.gpt_prompt_version as prompt_version,
        quizzes.run_id is null as by_hand,
        quizzes.edited,
        quizzes.changed_by,
        quizzes.changed_at,
        quizzes.created_at,
        quizzes.run_id as created_by_run,
        learners.active,
        opted_out.person_id is not null as contact_opt_out
    from published_quizzes as quizzes
    inner join learners on quizzes.learner_id = learners.id
    left join risk_scores on quizzes.learner_id = risk_scores.learner_id
    left join opted_out on learners.person_id = opted_out.person_id
    where quizzes.id in (select unnest($ids::text[]))

)

select * from final
