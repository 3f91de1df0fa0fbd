-- Since version 6: who changed a draft last, and whether a person wrote in it.
insert into nudges (
    id, learner_id, person_id, campaign, period, program, as_of, channel, type, locale, draft_content, content,
    gpt_prompt_version, gpt_fallback, reason, status, version, created_at, edited, changed_by, changed_at
)
values (
    'm',
    'e',
    'e',
    'manual',
    '2026-02-23',
    'Law',
    '2026-02-22 23:59:59',
    'in_app',
    'praise',
    'en',
    'Well done',
    'Well done!',
    'v1.0', true, 'no_key', 'draft', 2, '2026-02-23 10:00:00', true, 'ana', '2026-02-23 10:05:00'
);
