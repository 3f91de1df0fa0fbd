-- One row per nudge of `moving`: its new status, one version on. What a run is about to put in its place stays.
update nudges
set
    status = $status,
    version = version + 1,
    changed_by = $actor,
    changed_at = $now,
    approved_at = case $status when 'approved' then $now when 'draft' then null else approved_at end,
    sent_at = case $status when 'sent' then $now else sent_at end
where
    id in (select moving.id from temp.moving)
    and (run_id is null or run_id in (select runs.run_id from runs where runs.published_at is not null));
