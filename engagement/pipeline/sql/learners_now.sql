-- One row per learner: all that a load may change.
create or replace temp table learners_now as
select
    learners.id,
    learners.program,
    learners.name,
    learners.email,
    learners.phone,
    learners.person_id,
    learners.cohort,
    learners.locale,
    learners.timezone,
    learners.enrolled_at,
    learners.topic,
    learners.preferred_channel,
    learners.whatsapp_opt_in,
    learners.contact_opt_out,
    learners.llm_opt_out,
    learners.active,
    facts.last_login,
    facts.completed_percent,
    facts.avg_quiz_score,
    facts.consecutive_missed_sessions
from learners
left join newest_facts as facts on learners.id = facts.learner_id;
