-- One row per type of event: how many there are, of how many learners, the first and the newest.
select
    type,
    count(*) as events,
    count(distinct learner_id) as learners,
    min(timestamp) as first,
    max(timestamp) as newest
from events
group by type
order by events desc, type asc;
