-- One row: what a run asked of a model, what came of it, and US dollars; `model` is null where none was asked.
with texts as (

    select
        cache_key,
        model
    from nudges
    where run_id = $run_id and not gpt_fallback

    union all

    select
        cache_key,
        model
    from quizzes
    where run_id = $run_id and not gpt_fallback

),

asked as (

    select * from model_answers
    where run_id = $run_id

),

cost_of_text as (

    select
        cache_key,
        arg_max(cost_usd, answered_at) as cost_usd
    from model_answers
    where reason is null
    group by cache_key

),

final as (

    select
        coalesce((select max(asked.model) from asked), (select max(texts.model) from texts)) as model,
        (select count(*) from nudges where run_id = $run_id)
        + (select count(*) from quizzes where run_id = $run_id) as drafts,
        (select count(*) from texts) as texts,
        (select count(distinct texts.cache_key) from texts) as different_texts,
        (select coalesce(sum(asked.requests), 0)::bigint from asked) as requests,
        (select coalesce(sum(asked.input_tokens), 0)::bigint from asked) as input_tokens,
        (select coalesce(sum(asked.output_tokens), 0)::bigint from asked) as output_tokens,
        (select sum(asked.cost_usd) from asked) as spent_usd,
        -- each text by itself would have cost as much as the one it shares
        (select sum(cost_usd) from texts inner join cost_of_text on texts.cache_key = cost_of_text.cache_key)
        - coalesce((select sum(asked.cost_usd) filter (where asked.reason is null) from asked), 0) as saved_usd

)

select * from final;
