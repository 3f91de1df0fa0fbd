-- One row: how many learners of accepted rows have an address that several persons claim, so that nobody writes there.
select count(*) as learners
from temp.checked
inner join learners on checked.id = learners.id
where checked.reasons is null and learners.active and learners.email_is_shared;
