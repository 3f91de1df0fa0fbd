-- One row: how many learners are there only now, are another than before, and are no longer active.
select
    count(*) filter (where before.id is null) as new,
    count(*) filter (
        where before.id is not null and before is distinct from after and not (before.active and not after.active)
    ) as changed,
    count(*) filter (where before.active and not after.active) as gone
from temp.learners_now as after
left join temp.learners_before as before on after.id = before.id;
