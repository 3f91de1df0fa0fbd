-- One row: of how many learners a refused row says no to something, and how many cannot be read and are held back.
select
    count(distinct refused.id) filter (
        refused.contact_opt_out or refused.llm_opt_out or refused.inactive
    ) as refusing,
    count(distinct refused.id) filter (len(refused.held_by) > 0) as unread
from temp.refused_consents as refused;
