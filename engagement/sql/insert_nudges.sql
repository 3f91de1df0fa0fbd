-- One row per draft of a block, with its text from `texts`; the nudge that is there already stays the only one.
insert into nudges (
    id, learner_id, person_id, campaign, period, program, as_of, channel, type, variant, locale, subject, draft_content,
    content, gpt_prompt_version, gpt_fallback, reason, fallback_id, risk_score, risk_label, run_id, created_at
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
    texts.subject,
    texts.content as draft_content,
    texts.content,
    texts.prompt_version,
    texts.gpt_fallback,
    texts.reason,
    texts.fallback_id,
    wanted.risk_score,
    wanted.risk_label,
    $run_id,
    $created_at
from temp.nudges_to_draft as wanted
inner join temp.texts
    on
        wanted.type = texts.type
        and wanted.channel = texts.channel
        and wanted.locale = texts.locale
        and wanted.variant = texts.variant
where
    wanted.place between $first_place and $last_place
    and wanted.id not in (select nudges.id from nudges);
