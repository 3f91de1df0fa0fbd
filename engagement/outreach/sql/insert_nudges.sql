-- One row per draft of a block: the model's text from `written`, or the template from `texts`; a nudge that is there
-- already stays the only one.
insert into nudges (
    id, learner_id, person_id, campaign, period, program, as_of, channel, type, variant, locale, subject, draft_content,
    content, gpt_prompt_version, gpt_fallback, reason, fallback_id, model, cache_key, risk_score, risk_label, run_id,
    created_at, changed_by, changed_at
)
select
    wanted.id,
    wanted.learner_id,
    wanted.person_id,
    $campaign,
    $period,
    wanted.program,
    $as_of,
    wanted.channel,
    wanted.type,
    wanted.variant,
    wanted.locale,
    case when wanted.reason is null then written.subject else texts.subject end as subject,
    coalesce(written.content, texts.content) as draft_content,
    coalesce(written.content, texts.content) as content,
    coalesce(written.prompt_version, texts.prompt_version) as gpt_prompt_version,
    wanted.reason is not null as gpt_fallback,
    wanted.reason,
    case when wanted.reason is not null then texts.fallback_id end as fallback_id,
    written.model,
    case when wanted.reason is null then wanted.cache_key end as cache_key,
    wanted.risk_score,
    wanted.risk_label,
    $run_id,
    $created_at,
    $actor::text as changed_by,
    case when $actor is not null then $created_at end as changed_at
from temp.nudges_to_draft as wanted
inner join temp.texts
    on
        wanted.type = texts.type
        and wanted.channel = texts.channel
        and wanted.locale = texts.locale
        and wanted.variant = texts.variant
left join temp.written on wanted.reason is null and wanted.cache_key = written.cache_key
left join nudges as there
    on
        wanted.id = there.id
        -- it takes the place of a template that nobody has touched, once the run is published
        and not (
            $rewrites
            and there.run_id is distinct from $run_id
            and is_untouched_template(there.gpt_fallback, there.reason, there.status, there.version)
        )
where wanted.place between $first_place and $last_place and there.id is null;
