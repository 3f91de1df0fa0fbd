-- One row per quiz and order of its options that somebody gets, with a topic and a locale that lead to it.
select
    min(wanted.topic) as topic,
    min(wanted.locale) as locale,
    wanted.option_order
from temp.quizzes_to_draft as wanted
inner join temp.answers
    on
        wanted.topic is not distinct from answers.asked_topic
        and wanted.locale = answers.locale
group by answers.fallback_id, wanted.option_order;
