-- What a person has rejected is offered to nobody again, though the model's answer is kept and equal prompts share it.
create view rejected_texts as
select content
from nudges
where status = 'rejected' and not edited
union
select questions::text as content
from quizzes
where status = 'rejected' and not edited;

comment on view rejected_texts is 'One row per text of a nudge, or questions of a quiz, that a person rejected as it was.';

create view answers_that_stand as
select
    cache_key,
    subject,
    content,
    prompt_version,
    model,
    answered_at
from model_answers
where
    reason is null
    and content not in (select rejected_texts.content from rejected_texts);

comment on view answers_that_stand is 'One row per answer of a model that a draft may be made of: it passed the checks, and nobody rejected it.';
