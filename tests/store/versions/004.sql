-- Since version 4: what a model wrote, what was told it about whom, and which titles may be told.
insert into disclosures
values (
    'a', 'nudge', ['risk_label'], 'a-model', 'https://model.example.invalid/v1', 'v1.0', 'c1', 'nightly-2026-02-22-1',
    '2026-02-23 02:15:20'
);

insert into model_answers (
    cache_key, kind, prompt_version, reason, subject, content, requests, input_tokens, output_tokens, cost_usd, model,
    base_url, run_id, answered_at
)
values (
    'c1', 'nudge', 'v1.0', null, 'A small step', 'Hi {first_name}, one lesson?', 1, 400, 60, 0.0003, 'a-model',
    'https://model.example.invalid/v1', 'nightly-2026-02-22-1', '2026-02-23 02:15:20'
);

insert into titles
values ('topic', 'loops', 'Loops', 'ana', '2026-02-20');
