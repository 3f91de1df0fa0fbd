-- One row per draft of a block, with its questions from `texts`; the quiz that is there already stays the only one.
insert into quizzes (
    id, learner_id, person_id, campaign, period, program, as_of, topic, language, questions, gpt_prompt_version,
    gpt_fallback, reason, fallback_id, run_id, created_at
)
select
    wanted.id,
    wanted.learner_id,
    wanted.person_id,
    $campaign,
    $period,
    wanted.program,
    $as_of,
    texts.topic,
    texts.language,
    texts.questions,
    texts.prompt_version,
    texts.gpt_fallback,
    texts.reason,
    texts.fallback_id,
    $run_id,
    $created_at
from temp.quizzes_to_draft as wanted
inner join temp.answers
    on
        wanted.topic is not distinct from answers.asked_topic
        and wanted.locale = answers.locale
inner join temp.texts
    on
        answers.fallback_id = texts.fallback_id
        and wanted.option_order = texts.option_order
where
    wanted.place between $first_place and $last_place
    and wanted.id not in (select quizzes.id from quizzes);
