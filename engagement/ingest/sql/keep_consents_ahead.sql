-- One row per enrolment that is known by refused rows only: what they say no to, until it is loaded.
merge into consents_ahead
using (
    select
        refused.id as learner_id,
        any_value(refused.person_id) as person_id,
        bool_or(refused.contact_opt_out) as contact_opt_out,
        bool_or(refused.llm_opt_out) as llm_opt_out,
        bool_or(refused.inactive) as inactive,
        list_distinct(flatten(list(refused.held_by))) as held_by
    from temp.refused_consents as refused
    left join learners on refused.id = learners.id
    left join temp.checked as accepted on refused.id = accepted.id and accepted.reasons is null
    where learners.id is null and accepted.id is null
    group by refused.id
    having bool_or(refused.contact_opt_out or refused.llm_opt_out or refused.inactive or len(refused.held_by) > 0)
) as source
    on consents_ahead.learner_id = source.learner_id
-- a refused row takes nothing back: the enrolment itself has said nothing yet
when matched then
    update
        set
            person_id = source.person_id,
            contact_opt_out = consents_ahead.contact_opt_out or source.contact_opt_out,
            llm_opt_out = consents_ahead.llm_opt_out or source.llm_opt_out,
            inactive = consents_ahead.inactive or source.inactive,
            held_by = list_distinct(list_concat(consents_ahead.held_by, source.held_by)),
            observed_at = greatest(consents_ahead.observed_at, $observed_at),
            load_id = $load_id
when not matched then
    insert
    values (
        source.learner_id,
        source.person_id,
        source.contact_opt_out,
        source.llm_opt_out,
        source.inactive,
        source.held_by,
        $observed_at, $load_id
    );
