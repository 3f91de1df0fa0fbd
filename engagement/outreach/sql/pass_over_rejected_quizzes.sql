-- One row per quiz to draft whose template somebody rejected for that learner as it was: it has none.
update temp.to_draft
set draw = null
from temp.templates, quizzes
where
    to_draft.topic is not distinct from templates.asked_topic
    and to_draft.locale = templates.locale
    and to_draft.learner_id = quizzes.learner_id
    and quizzes.status = 'rejected'
    and not coalesce(quizzes.edited, false)
    and templates.fallback_id = quizzes.fallback_id;
