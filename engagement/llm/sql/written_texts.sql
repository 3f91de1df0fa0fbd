-- One row per prompt that has an answer: the newest text that passed the checks.
create or replace temp table written as
select
    prompts.cache_key,
    any_value(prompts.language) as language,
    arg_max(struct_pack(t := model_answers.subject), model_answers.answered_at).t as subject,
    arg_max(model_answers.content, model_answers.answered_at) as content,
    arg_max(model_answers.prompt_version, model_answers.answered_at) as prompt_version,
    arg_max(model_answers.model, model_answers.answered_at) as model
from temp.prompts
inner join model_answers on prompts.cache_key = model_answers.cache_key
where model_answers.reason is null
group by prompts.cache_key;
