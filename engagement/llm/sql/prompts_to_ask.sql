-- One row per prompt whose answer is not known yet, however many learners it is for; the worst of them come first.
create or replace temp table prompts_to_ask as
select
    cache_key,
    any_value(task) as task,
    any_value(data) as data,
    row_number() over (order by max(risk_score) desc nulls last, cache_key) as place
from temp.prompts
where cache_key not in (select answers_that_stand.cache_key from answers_that_stand)
group by cache_key;
