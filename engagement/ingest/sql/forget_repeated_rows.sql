-- One row per refused row that a newer load has refused as well, for the same reasons: of a file that comes every night
-- the newest stands.
delete from quarantine
using (
    select
        quarantine.load_id,
        quarantine.line,
        quarantine.raw,
        max(quarantine.load_id) over (partition by loads.kind, quarantine.raw, quarantine.reasons) as newest
    from quarantine
    inner join loads on quarantine.load_id = loads.load_id
    where
        loads.kind = $kind
        and quarantine.raw in (select new.raw from quarantine as new where new.load_id = $load_id)
) as repeated
where
    quarantine.load_id = repeated.load_id
    and quarantine.line = repeated.line
    and quarantine.raw = repeated.raw
    and repeated.load_id < repeated.newest;
