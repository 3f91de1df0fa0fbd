-- One row per type of the events that are accepted, the one with most events first.
select
    type,
    count(*) as events
from temp.checked
where reasons is null
group by type
order by events desc, type asc;
