-- One row per nudge that was marked as sent in a batch.
select metadata ->> 'nudge_id' as id
from events
where source = 'review' and type = 'nudge_sent' and metadata ->> 'batch' = $batch
