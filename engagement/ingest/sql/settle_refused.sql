-- One row per learner without an accepted row in the file whose consents another row changes.
update learners
set
    contact_opt_out = settled.contact_opt_out,
    llm_opt_out = settled.llm_opt_out,
    whatsapp_opt_in = settled.whatsapp_opt_in,
    active = settled.active,
    inactive_since = case when not settled.active then coalesce(learners.inactive_since, $observed_at) end,
    held_by = settled.held_by,
    load_id = $load_id
from temp.settled_consents as settled
where
    learners.id = settled.id
    and not settled.is_accepted
    and (
        learners.contact_opt_out <> settled.contact_opt_out
        or learners.llm_opt_out <> settled.llm_opt_out
        or learners.whatsapp_opt_in <> settled.whatsapp_opt_in
        or learners.active <> settled.active
        or learners.held_by is distinct from settled.held_by
    );
