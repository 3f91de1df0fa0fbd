-- One row per nudge to draft, with the template that stands in where no model writes, nulls where none is left.
create or replace temp view with_template as
select
    wanted.*,
    texts.subject as template_subject,
    null::text as template_topic,
    null::text as template_language,
    texts.content as template_content,
    texts.prompt_version as template_version,
    texts.fallback_id as template_id
from temp.to_draft as wanted
left join temp.texts
    on
        wanted.type = texts.type
        and wanted.channel = texts.channel
        and wanted.locale = texts.locale
        and wanted.variant = texts.variant;
