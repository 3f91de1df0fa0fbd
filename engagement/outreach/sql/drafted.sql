-- One row per draft: the model's text from `written`, or the template that stands in; none where there is neither.
create or replace temp view drafted as
select
    wanted.id,
    wanted.learner_id,
    wanted.person_id,
    wanted.program,
    wanted.type,
    wanted.channel,
    wanted.locale,
    wanted.variant,
    wanted.risk_score,
    wanted.risk_label,
    wanted.place,
    case when wanted.reason is null then written.subject else wanted.template_subject end as subject,
    case when wanted.reason is null then wanted.topic else wanted.template_topic end as topic,
    coalesce(written.language, wanted.template_language) as language,
    coalesce(written.content, wanted.template_content) as content,
    coalesce(written.prompt_version, wanted.template_version) as gpt_prompt_version,
    wanted.reason is not null as gpt_fallback,
    wanted.reason,
    case when wanted.reason is not null then wanted.template_id end as fallback_id,
    written.model,
    -- also of what broke a rule: the answer says which
    case when wanted.reason is null or wanted.reason = 'invalid_output' then wanted.cache_key end as cache_key
from temp.with_template as wanted
left join temp.written on wanted.reason is null and wanted.cache_key = written.cache_key
where coalesce(written.content, wanted.template_content) is not null;
