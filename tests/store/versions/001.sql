-- What a program of version 1 wrote: three learners of two persons, one scored night, a nudge, a quiz, a trial.
insert into learners (
    id, person_id, name, email, phone, program, cohort, enrolled_at, topic, contact_opt_out, active, load_id
)
values
(
    'a',
    'p',
    'Ada Example',
    'ada@example.invalid',
    '+1-202-555-0100',
    'Data',
    'spring',
    '2026-01-05',
    'loops',
    false,
    true,
    'L1'
),
('b', 'p', 'Ada Example', 'ada@example.invalid', null, 'Law', 'spring', null, null, false, true, 'L1'),
('c', 'c', 'Cem Example', null, null, 'Data', 'spring', '2026-01-05', null, true, false, 'L1');

insert into loads (load_id, kind, source, content_hash, observed_at, loaded_at, rows, accepted, quarantined, reasons)
values
('L1', 'learners', 'export.csv', 'h1', '2026-02-22 23:59:59', '2026-02-23 01:00:00', 4, 3, 1, '{"id: missing": 1}'),
('L2', 'events', 'events.csv', 'h2', '2026-02-22 23:59:59', '2026-02-23 01:00:00', 1, 1, 0, '{}');

insert into quarantine (load_id, line, raw, reasons)
values ('L1', 5, ',Nobody', ['id: missing']);

insert into learner_facts (
    learner_id, observed_at, load_id, last_login, completed_percent, completed_percent_course, completed_percent_due,
    avg_quiz_score, consecutive_missed_sessions
)
values
('a', '2026-02-22 23:59:59', 'L1', '2026-02-09', 5, null, 5, 30, 5),
('b', '2026-02-22 23:59:59', 'L1', null, null, null, null, null, null);

insert into runs
values (
    'nightly-2026-02-22-1', 'nightly', 'k', 1, '2026-02-22 23:59:59', '2026-02-22', '{}', 'f',
    '{"high_above": 0.7, "medium_above": 0.4}',
    'published',
    '{"high": 1}',
    '2026-02-23 02:15:00',
    '2026-02-23 02:16:00',
    '2026-02-23 02:16:00', null, null
);

insert into steps
values ('nightly-2026-02-22-1', '20_score', 1, 'done', 1, 1.5, '2026-02-23 02:15:00', null);

insert into risk_scores (
    learner_id, as_of, risk_score, risk_label, behind_pace, low_quiz, missed_session, inactivity, policy_hash, run_id
)
values
('a', '2026-02-22 23:59:59', 0.804, 'high', 0.475, 0.14, 0.1429, 0.0467, 'P', 'nightly-2026-02-22-1'),
('b', '2026-02-22 23:59:59', null, 'unknown', null, null, null, null, 'P', 'nightly-2026-02-22-1');

insert into risk_history (learner_id, as_of, risk_score, risk_label, policy_hash, run_id)
values
('a', '2026-02-22 23:59:59', 0.804, 'high', 'P', 'nightly-2026-02-22-1'),
('b', '2026-02-22 23:59:59', null, 'unknown', 'P', 'nightly-2026-02-22-1');

insert into contact_decisions
values (
    'nightly-2026-02-22-1', 'a', 'p', 'contact', 'behind_pace', 'email', null, true, 'loops', 1, 0.804, 'high'
);

insert into nudges (
    id, learner_id, person_id, campaign, period, program, as_of, channel, type, variant, locale, subject, draft_content,
    content, gpt_prompt_version, gpt_fallback, reason, fallback_id, risk_score, risk_label, status, version, run_id,
    created_at
)
values (
    'n',
    'a',
    'p',
    'nightly',
    '2026-02-22',
    'Data',
    '2026-02-22 23:59:59',
    'email',
    'behind_pace',
    1,
    'en',
    'A small step',
    'Hi {first_name}, one lesson?',
    'Hi {first_name}, one lesson today?',
    'v1.0',
    true,
    'no_key',
    'behind_pace.email.1.en',
    0.804, 'high', 'approved', 2, 'nightly-2026-02-22-1', '2026-02-23 02:15:30'
);

insert into quizzes (
    id, learner_id, person_id, campaign, period, program, as_of, topic, language, questions, gpt_prompt_version,
    gpt_fallback, reason, run_id, created_at
)
values (
    'q', 'a', 'p', 'nightly', '2026-W08', 'Data', '2026-02-22 23:59:59', 'loops', 'en', '[{"id": "1"}]', 'v1.0', true,
    'no_key', 'nightly-2026-02-22-1', '2026-02-23 02:15:30'
);

insert into events
values
('e1', 'a', 'login', '{}', '2026-02-09', 'import', 'L2'),
('e2', 'a', 'nudge_approved', '{"nudge_id": "n", "version": 2}', '2026-02-23 09:00:00', 'ana', 'review');

insert into assignments (experiment_id, person_id, arm, assigned_at, ends_at)
values ('nightly/trial', 'c', 'control', '2026-02-22 23:59:59', '2026-03-22 23:59:59');

insert into tombstones
values ('4a1b', '2026-02-01'), ('5c2d', '2026-02-01');
