-- One row per quiz that fits what is asked (null: everything): as a coordinator reads it, and whether it may go out.
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
        quizzes.created_at,
        quizzes.run_id as created_by_run,
        learners.active,
        opted_out.person_id is not null as contact_opt_out
    from published_quizzes as quizzes
    inner join learners on quizzes.learner_id = learners.id
    left join risk_scores on quizzes.learner_id = risk_scores.learner_id
    left join opted_out on learners.person_id = opted_out.person_id
    where
        ($ids is null or quizzes.id in (select unnest($ids::text[])))
        and ($learner_id is null or quizzes.learner_id = $learner_id)
        and ($programs is null or list_contains($programs::text[], learners.program))
        and ($program is null or learners.program = $program)
        and ($status is null or quizzes.status = $status)
        and ($by_template is null or quizzes.gpt_fallback = $by_template)
        and (
            $search is null
            or contains(lower(learners.name), lower($search))
            or contains(lower(learners.id), lower($search))
            or contains(lower(learners.email), lower($search))
        )

)

select * from final
