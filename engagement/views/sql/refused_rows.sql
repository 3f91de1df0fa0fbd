-- One row per refused row that is still kept: of the load $load_id, or where that is null of any, newest load first.
select
    quarantine.load_id,
    loads.source,
    loads.kind,
    loads.loaded_at,
    quarantine.line,
    quarantine.row_id as id,
    quarantine.reasons,
    quarantine.raw
from quarantine
inner join loads on quarantine.load_id = loads.load_id
where $load_id is null or quarantine.load_id = $load_id
order by loads.loaded_at desc, quarantine.load_id desc, quarantine.line asc
limit $most;
