-- One row per nudge of `moving`: its new status, one version on.
update nudges
set
    status = $status,
    version = version + 1,
    approved_at = case $status when 'approved' then $now when 'draft' then null else approved_at end,
    sent_at = case $status when 'sent' then $now else sent_at end
where id in (select id from temp.moving);
