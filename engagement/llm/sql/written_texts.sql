-- One row per prompt that has an answer: the newest text that passed the checks, and that nobody rejected.
create or replace temp table written as
select
    prompts.cache_key,
    any_value(prompts.language) as language,
    arg_max(struct_pack(t := answers_that_stand.subject), answers_that_stand.answered_at).t as subject,
    arg_max(answers_that_stand.content, answers_that_stand.answered_at) as content,
    arg_max(answers_that_stand.prompt_version, answers_that_stand.answered_at) as prompt_version,
    arg_max(answers_that_stand.model, answers_that_stand.answered_at) as model
from temp.prompts
inner join answers_that_stand on prompts.cache_key = answers_that_stand.cache_key
group by prompts.cache_key;
