-- One row per refused row of a load before $before, unless none of its kind is newer.
delete from quarantine
where
    load_id in (select loads.load_id from loads where loads.loaded_at < $before)
    and load_id not in (select max(newest.load_id) from loads as newest group by newest.kind);
