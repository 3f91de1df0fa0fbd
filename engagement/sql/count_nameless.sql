-- One row: how many refused rows do not say whose they are.
select count(*) as nameless
from temp.checked
where reasons is not null and (id is null or starts_with(reasons, 'id: a number'));
