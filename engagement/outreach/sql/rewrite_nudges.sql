-- One row per nudge of `nudges_to_draft`: the text of `written`, or the template of `texts`; one version on.
-- What a run is about to put in its place stays.
update nudges
set
    variant = fresh.variant,
    subject = fresh.subject,
    draft_content = fresh.content,
    content = fresh.content,
    gpt_prompt_version = fresh.prompt_version,
    gpt_fallback = fresh.reason is not null,
    reason = fresh.reason,
    fallback_id = fresh.fallback_id,
    model = fresh.model,
    cache_key = fresh.cache_key,
    version = nudges.version + 1,
    edited = false,
    changed_by = $actor,
    changed_at = $now
from (
    select
        wanted.id,
        wanted.variant,
        wanted.reason,
        case when wanted.reason is null then written.subject else texts.subject end as subject,
        coalesce(written.content, texts.content) as content,
        coalesce(written.prompt_version, texts.prompt_version) as prompt_version,
        case when wanted.reason is not null then texts.fallback_id end as fallback_id,
        written.model,
        case when wanted.reason is null then wanted.cache_key end as cache_key
    from temp.nudges_to_draft as wanted
    inner join temp.texts
        on
            wanted.type = texts.type
            and wanted.channel = texts.channel
            and wanted.locale = texts.locale
            and wanted.variant = texts.variant
    left join temp.written on wanted.reason is null and wanted.cache_key = written.cache_key
) as fresh
where
    nudges.id = fresh.id
    and (nudges.run_id is null or nudges.run_id in (select runs.run_id from runs where runs.published_at is not null));
