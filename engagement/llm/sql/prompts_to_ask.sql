-- One row per prompt whose answer is not known yet, however many learners it is for; the worst of them come first.
create or replace temp table prompts_to_ask as
select
    cache_key,
    any_value(task) as task,
    any_value(data) as data,
    row_number() over (order by max(risk_score) desc nulls last, cache_key) as place
from temp.prompts
where cache_key not in (select model_answers.cache_key from model_answers where model_answers.reason is null)
group by cache_key;
