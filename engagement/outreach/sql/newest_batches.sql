-- One row per batch of nudges, newest first.
select metadata ->> 'batch' as batch
from events
where source = 'review' and type = 'nudge_sent' and metadata ->> 'batch' is not null
group by metadata ->> 'batch'
order by max(timestamp) desc, batch asc
limit $most
