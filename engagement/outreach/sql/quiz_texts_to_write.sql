-- One row per quiz and order of its options that somebody gets, with a topic and a locale that lead to it.
select
    min(wanted.topic) as topic,
    min(wanted.locale) as locale,
    wanted.draw
from temp.to_draft as wanted
inner join temp.templates
    on
        wanted.topic is not distinct from templates.asked_topic
        and wanted.locale = templates.locale
where wanted.draw is not null
group by templates.fallback_id, wanted.draw;
