-- One row per nudge that fits what is asked (null: everything): as a coordinator reads it, and whether it may go out.
with opted_out as (

    select distinct person_id
    from learners
    where contact_opt_out

),

final as (

    select
        nudges.id,
        nudges.learner_id,
        learners.name,
        learners.program,
        learners.email,
        learners.phone,
        nudges.channel,
        nudges.type,
        nudges.variant,
        nudges.status,
        nudges.version,
        nudges.risk_score,
        nudges.risk_label,
        nudges.subject,
        nudges.content,
        nudges.gpt_fallback,
        nudges.reason,
        nudges.model,
        nudges.gpt_prompt_version as prompt_version,
        nudges.run_id is null as by_hand,
        nudges.content <> nudges.draft_content as edited,
        nudges.created_at,
        nudges.run_id as created_by_run,
        learners.active,
        learners.whatsapp_opt_in,
        learners.email is not null as has_email,
        learners.phone is not null as has_phone,
        opted_out.person_id is not null as contact_opt_out
    from published_nudges as nudges
    inner join learners on nudges.learner_id = learners.id
    left join opted_out on learners.person_id = opted_out.person_id
    where
        ($ids is null or nudges.id in (select unnest($ids::text[])))
        and ($learner_id is null or nudges.learner_id = $learner_id)
        and ($programs is null or list_contains($programs::text[], learners.program))
        and ($program is null or learners.program = $program)
        and ($status is null or nudges.status = $status)
        and ($by_template is null or nudges.gpt_fallback = $by_template)
        and (
            $search is null
            or contains(lower(learners.name), lower($search))
            or contains(lower(learners.id), lower($search))
            or contains(lower(learners.email), lower($search))
        )

)

select * from final
