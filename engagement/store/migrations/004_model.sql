-- What a model wrote, what was told it about whom, and which titles may be told.
drop table disclosures;

create table disclosures (
    learner_id text not null,
    kind text not null,
    fields text[] not null,
    model text not null,
    base_url text not null,
    prompt_version text not null,
    cache_key text not null,
    run_id text,
    disclosed_at timestamp not null
);

comment on table disclosures is '(P) One row per prompt about a learner that left for a model: which fields, to whom, when.';
comment on column disclosures.fields is 'Names of what was said about the learner; numbers leave as ranges.';
comment on column disclosures.base_url is 'Where it went.';
comment on column disclosures.run_id is 'The run that asked; null where a person did.';

create table model_answers (
    cache_key text not null,
    kind text not null,
    prompt_version text not null,
    reason text,
    subject text,
    content text,
    requests integer not null,
    input_tokens bigint not null,
    output_tokens bigint not null,
    cost_usd double,
    model text not null,
    base_url text not null,
    run_id text,
    answered_at timestamp not null
);

comment on table model_answers is 'One row per prompt that was sent: what came back and what it cost. About many learners, naming none.';
comment on column model_answers.cache_key is 'SHA-256 of model, address, instructions and data: equal where an answer to one is one to the other.';
comment on column model_answers.reason is 'Why there is no text; null where there is one that passed the checks.';
comment on column model_answers.content is 'Text of a nudge with {first_name} in it, or the questions of a quiz as JSON.';
comment on column model_answers.cost_usd is 'US dollars, with what may be on the bill without an answer; null where the price is not known.';

create table titles (
    kind text not null,
    text text not null,
    title text not null,
    confirmed_by text not null,
    confirmed_at timestamp not null,
    primary key (kind, text)
);

comment on table titles is 'One row per program or topic that a person has confirmed: it names nobody and may go to a model.';
comment on column titles.kind is 'program or topic.';
comment on column titles.text is 'As it stands with the learners.';
comment on column titles.title is 'As a model is told.';

-- Whether a draft is a template that nobody has touched: a later attempt for the same day may write it anew.
create macro is_untouched_template(gpt_fallback, reason, status, version) as (
    gpt_fallback and reason <> 'opted_out' and status = 'draft' and version = 1
);
