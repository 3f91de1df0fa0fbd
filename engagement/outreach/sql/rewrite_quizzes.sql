-- One row per quiz of `quizzes_to_draft`: the questions of `written`, or the template of `texts`; one version on.
-- What a run is about to put in its place stays.
update quizzes
set
    topic = fresh.topic,
    language = fresh.language,
    questions = fresh.questions,
    gpt_prompt_version = fresh.prompt_version,
    gpt_fallback = fresh.reason is not null,
    reason = fresh.reason,
    fallback_id = fresh.fallback_id,
    model = fresh.model,
    cache_key = fresh.cache_key,
    version = quizzes.version + 1,
    edited = false,
    changed_by = $actor,
    changed_at = $now
from (
    select
        wanted.id,
        wanted.reason,
        case when wanted.reason is null then wanted.topic else texts.topic end as topic,
        coalesce(written.language, texts.language) as language,
        coalesce(written.content::json, texts.questions) as questions,
        coalesce(written.prompt_version, texts.prompt_version) as prompt_version,
        case when wanted.reason is not null then texts.fallback_id end as fallback_id,
        written.model,
        case when wanted.reason is null then wanted.cache_key end as cache_key
    from temp.quizzes_to_draft as wanted
    inner join temp.templates
        on
            wanted.topic is not distinct from templates.asked_topic
            and wanted.locale = templates.locale
    inner join temp.texts
        on
            templates.fallback_id = texts.fallback_id
            and wanted.option_order = texts.option_order
    left join temp.written on wanted.reason is null and wanted.cache_key = written.cache_key
) as fresh
where
    quizzes.id = fresh.id
    and (
        quizzes.run_id is null or quizzes.run_id in (select runs.run_id from runs where runs.published_at is not null)
    );
