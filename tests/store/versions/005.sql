-- Since version 5: numbers to join by, and what a score was made from beside it; also of a run that has stopped.
insert into learners (id, person_id, name, program, load_id, seen_at, person_number)
values ('e', 'e', 'Eve Example', 'Law', 'L1', '2026-02-22 23:59:59', 5);

insert into risk_scores (
    learner_id, as_of, risk_score, risk_label, behind_pace, low_quiz, missed_session, inactivity, policy_hash, run_id,
    learner_number, last_login, completed_percent, avg_quiz_score, consecutive_missed_sessions, days_inactive
)
values (
    'e',
    '2026-02-22 23:59:59',
    0.5,
    'medium',
    0.3,
    0.1,
    0.05,
    0.05,
    'P',
    'nightly-2026-02-22-1',
    5,
    '2026-02-07',
    40,
    50,
    2,
    15.9
);

insert into runs (run_id, pipeline, key, attempt, as_of, day, parameters, input_fingerprint, policy, status, started_at)
values (
    'nightly-2026-02-23-1',
    'nightly',
    'l',
    1,
    '2026-02-23 23:59:59',
    '2026-02-23',
    '{}',
    'g',
    '{}',
    'running',
    '2026-02-24'
);

insert into run_scores (
    run_id, learner_id, risk_score, risk_label, behind_pace, low_quiz, missed_session, inactivity, login_in_future,
    learner_number, last_login, completed_percent, avg_quiz_score, consecutive_missed_sessions, days_inactive
)
values (
    'nightly-2026-02-23-1', 'e', 0.5, 'medium', 0.3, 0.1, 0.05, 0.05, false, 5, '2026-02-07', 40, 50, 2, 16.9
);
