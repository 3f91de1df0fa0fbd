-- A missing last login is never, or not known: whoever asks the view by hand can tell.
create or replace view learner_risk as
select
    learners.id,
    learners.name,
    learners.email,
    learners.phone,
    learners.program,
    newest_facts.last_login,
    newest_facts.completed_percent,
    newest_facts.avg_quiz_score,
    newest_facts.consecutive_missed_sessions,
    risk_scores.risk_score,
    risk_scores.risk_label,
    newest_facts.login_is_unknown
from learners
left join newest_facts on learners.id = newest_facts.learner_id
left join risk_scores on learners.id = risk_scores.learner_id;

comment on view learner_risk is 'One row per learner with the newest facts and the newest published score.';
