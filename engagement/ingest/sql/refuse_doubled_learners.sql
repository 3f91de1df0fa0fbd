-- One row per learner whose id stands more than once in a file: the newest last_login wins, then the later row.
with doubled as (

    -- by their hashes, which need a tenth of the memory; who stands here by chance is the first of one
    select hash(id) as id_hash
    from temp.checked
    where reasons is null
    group by hash(id)
    having count(*) > 1

),

ranked as (

    select
        checked.rowid as record,
        row_number() over (
            partition by checked.id
            order by checked.last_login desc nulls last, checked.rowid desc
        ) as place
    from temp.checked
    inner join doubled on hash(checked.id) = doubled.id_hash
    where checked.reasons is null

)

update temp.checked
set reasons = 'id: stands more than once; the row with the newest last_login counts'
from ranked
where checked.rowid = ranked.record and ranked.place > 1;
