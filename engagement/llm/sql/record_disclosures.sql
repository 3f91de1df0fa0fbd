-- One row per learner whom a prompt of a block is about, before it leaves.
insert into disclosures
select
    prompts.learner_id,
    $kind,
    disclosed.fields,
    $model,
    $base_url,
    $prompt_version,
    prompts.cache_key,
    $run_id,
    $now
from temp.prompts
inner join temp.prompts_to_ask on prompts.cache_key = prompts_to_ask.cache_key
inner join temp.disclosed on prompts.type = disclosed.type
where prompts_to_ask.place between $first_place and $last_place;
