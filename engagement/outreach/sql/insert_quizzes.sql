-- One row per draft of a block: the model's questions from `written`, or a template's from `texts`; a quiz that is
-- there already stays the only one.
insert into quizzes (
    id, learner_id, person_id, campaign, period, program, as_of, topic, language, questions, gpt_prompt_version,
    gpt_fallback, reason, fallback_id, model, cache_key, run_id, created_at, changed_by, changed_at
)
select
    wanted.id,
    wanted.learner_id,
    wanted.person_id,
    $campaign,
    $period,
    wanted.program,
    $as_of,
    case when wanted.reason is null then wanted.topic else texts.topic end as topic,
    coalesce(written.language, texts.language) as language,
    coalesce(written.content::json, texts.questions) as questions,
    coalesce(written.prompt_version, texts.prompt_version) as gpt_prompt_version,
    wanted.reason is not null as gpt_fallback,
    wanted.reason,
    case when wanted.reason is not null then texts.fallback_id end as fallback_id,
    written.model,
    case when wanted.reason is null then wanted.cache_key end as cache_key,
    $run_id,
    $created_at,
    $actor::text as changed_by,
    case when $actor is not null then $created_at end as changed_at
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
left join quizzes as there
    on
        wanted.id = there.id
        -- it takes the place of a template that nobody has touched, once the run is published
        and not (
            $rewrites
            and there.run_id is distinct from $run_id
            and is_untouched_template(there.gpt_fallback, there.reason, there.status, there.version)
        )
where wanted.place between $first_place and $last_place and there.id is null;
