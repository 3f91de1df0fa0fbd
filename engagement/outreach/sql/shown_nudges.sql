-- One row per nudge of $ids: as a coordinator reads it, and what says whether it may still go out.
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
        nudges.edited,
        nudges.changed_by,
        nudges.changed_at,
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
    where nudges.id in (select unnest($ids::text[]))

)

select * from final
