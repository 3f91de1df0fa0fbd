-- One row per type of nudge in a run: drafts by channel.
select
    type,
    count(*) filter (where channel = 'email') as email,
    count(*) filter (where channel = 'in_app') as in_app,
    count(*) filter (where channel = 'whatsapp') as whatsapp,
    count(*) as drafts
from nudges
where run_id = $run_id
group by type
order by drafts desc, type;
