-- One row per quiz to draft, with the template that stands in where no model writes, nulls where none is left.
create or replace temp view with_template as
select
    wanted.*,
    null::text as template_subject,
    texts.topic as template_topic,
    texts.language as template_language,
    texts.questions as template_content,
    texts.prompt_version as template_version,
    texts.fallback_id as template_id
from temp.to_draft as wanted
inner join temp.templates
    on
        wanted.topic is not distinct from templates.asked_topic
        and wanted.locale = templates.locale
left join temp.texts
    on
        templates.fallback_id = texts.fallback_id
        and wanted.draw = texts.draw;
