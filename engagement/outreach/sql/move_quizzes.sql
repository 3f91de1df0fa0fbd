-- One row per quiz of `moving`: its new status, one version on. What a run is about to put in its place stays.
update quizzes
set
    status = $status,
    version = version + 1,
    changed_by = $actor,
    changed_at = $now
where
    id in (select moving.id from temp.moving)
    and (run_id is null or run_id in (select runs.run_id from runs where runs.published_at is not null));
