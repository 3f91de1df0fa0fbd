-- One row per nudge of $ids: as a coordinator reads it, and why it may not go out any more, if so.
with final as (

    select
        nudges.id,
        nudges.learner_id,
        learners.name,
        learners.program,
        learners.email,
        learners.phone,
        nudges.channel,
        nudges.type,
        nudges.status,
        nudges.version,
        nudges.risk_score,
        nudges.risk_label,
        nudges.subject,
        nudges.content,
        nudges.gpt_fallback,
        nudges.reason,
        (
            select arg_max(answers.rule, answers.answered_at)
            from model_answers as answers
            where nudges.reason = 'invalid_output' and answers.cache_key = nudges.cache_key
        ) as broken_rule,
        nudges.model,
        nudges.gpt_prompt_version as prompt_version,
        nudges.run_id is null as by_hand,
        nudges.edited,
        nudges.changed_by,
        nudges.changed_at,
        nudges.created_at,
        nudges.run_id as created_by_run,
        runs.policy,
        refused_by_channel(nudges.channel, refusals.in_app, refusals.whatsapp, refusals.email) as refused
    from published_nudges as nudges
    inner join learners on nudges.learner_id = learners.id
    inner join contact_refusals as refusals on nudges.learner_id = refusals.learner_id
    left join runs on nudges.run_id = runs.run_id
    where nudges.id in (select unnest($ids::text[]))

)

select * from final
