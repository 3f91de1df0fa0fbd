-- One row per draft that waits: its kind, whose it is, and why it is a template (null: a model wrote it).
select
    'nudge' as kind,
    learner_id,
    case when gpt_fallback then reason end as reason
from published_nudges
where status = 'draft'

union all

select
    'quiz' as kind,
    learner_id,
    case when gpt_fallback then reason end as reason
from published_quizzes
where status = 'draft'
