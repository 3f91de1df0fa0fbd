-- One row per event that stands in an earlier row of the file already, with the same id or without one.
with doubled as (

    -- by their hashes, which need a tenth of the memory; who stands here by chance is the first of one
    select hash(learner_id, type, timestamp) as said
    from temp.checked
    where reasons is null
    group by hash(learner_id, type, timestamp)
    having count(*) > 1

),

ranked as (

    select
        checked.rowid as record,
        row_number() over (
            partition by
                checked.id, checked.learner_id, checked.type, checked.timestamp, json(coalesce(checked.metadata, '{}'))
            order by checked.rowid
        ) as place
    from temp.checked
    inner join doubled on hash(checked.learner_id, checked.type, checked.timestamp) = doubled.said
    where checked.reasons is null

)

update temp.checked
set reasons = 'event: the same stands in an earlier row'
from ranked
where checked.rowid = ranked.record and ranked.place > 1;
