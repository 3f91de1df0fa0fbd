-- One row per topic of the quizzes of a run: drafts, and how many of them a template wrote.
select
    coalesce(topic, 'how to study') as topic,
    count(*) as drafts,
    count(*) filter (where gpt_fallback) as from_template
from quizzes
where run_id = $run_id
group by all
order by drafts desc, topic;
