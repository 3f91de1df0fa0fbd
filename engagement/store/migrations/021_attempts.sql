-- The published attempts for the day of a run that it supersedes.
create macro attempts_before(superseding_id) as table
    select earlier.run_id
    from runs as superseding
    inner join runs as earlier on superseding.pipeline = earlier.pipeline and superseding.day = earlier.day
    where
        superseding.run_id = superseding_id
        and earlier.run_id <> superseding.run_id
        and earlier.published_at is not null;

-- Whether a draft goes as that run is published: nobody has touched it, and it is of an attempt that the run
-- supersedes or, where a model is asked, a template, which the run writes anew.
create macro gives_way(draft_run_id, gpt_fallback, reason, status, version, superseding_id, rewrites) as (
    status = 'draft'
    and version = 1
    and draft_run_id is distinct from superseding_id
    and (
        (rewrites and coalesce(is_untouched_template(gpt_fallback, reason, status, version), false))
        or coalesce(draft_run_id in (select run_id from attempts_before(superseding_id)), false)
    )
);
