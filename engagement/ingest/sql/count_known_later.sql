-- One row: how many learners of accepted rows a load of a later instant confirmed, so that the file changes nothing.
select count(*) as learners
from temp.known_later as later
inner join temp.checked on later.id = checked.id
where checked.reasons is null;
