-- One row per quiz of $ids: as a coordinator reads it, and why it may not go out any more, if so.
with final as (

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
        (
            select arg_max(answers.rule, answers.answered_at)
            from model_answers as answers
            where quizzes.reason = 'invalid_output' and answers.cache_key = quizzes.cache_key
        ) as broken_rule,
        quizzes.model,
        quizzes.gpt_prompt_version as prompt_version,
        quizzes.run_id is null as by_hand,
        quizzes.edited,
        quizzes.changed_by,
        quizzes.changed_at,
        quizzes.created_at,
        quizzes.run_id as created_by_run,
        runs.policy,
        refusals.in_app as refused
    from published_quizzes as quizzes
    inner join learners on quizzes.learner_id = learners.id
    inner join contact_refusals as refusals on quizzes.learner_id = refusals.learner_id
    left join risk_scores on quizzes.learner_id = risk_scores.learner_id
    left join runs on risk_scores.run_id = runs.run_id
    where quizzes.id in (select unnest($ids::text[]))

)

select * from final
