-- What an attempt writes in place of a draft has the next version, so that nobody approves words they have not seen:
-- whether a draft is untouched, no longer its version tells, but whether anybody has changed it.
create or replace macro gives_way(draft_run_id, gpt_fallback, reason, status, changed_by, superseding_id, rewrites) as (
    status = 'draft'
    and changed_by is null
    and gpt_fallback
    and draft_run_id is distinct from superseding_id
    and (
        (rewrites and coalesce(reason <> 'opted_out', false))
        or coalesce(draft_run_id in (select run_id from attempts_before(superseding_id)), false)
    )
);

drop macro is_untouched_template;
