-- One row per accepted row whose learner's consents are settled otherwise than by it alone. No list is written, or the
-- row would lose its number, by which its line is found.
update temp.checked
set
    contact_opt_out = settled.contact_opt_out,
    llm_opt_out = settled.llm_opt_out,
    whatsapp_opt_in = settled.whatsapp_opt_in,
    active = settled.active
from temp.settled_consents as settled
where checked.id = settled.id and checked.reasons is null;
