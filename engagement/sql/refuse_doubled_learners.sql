-- One row per learner whose id stands more than once in a file: the newest last_login wins, then the later row.
with doubled as (

    select id
    from temp.checked
    where reasons is null
    group by id
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
    inner join doubled on checked.id = doubled.id
    where checked.reasons is null

)

update temp.checked
set reasons = 'id: stands more than once; the row with the newest last_login counts'
from ranked
where checked.rowid = ranked.record and ranked.place > 1;
