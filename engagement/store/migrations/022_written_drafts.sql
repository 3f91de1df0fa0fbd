-- What a model wrote is not written again: of an attempt that is superseded it stays while its learner is still to be
-- written to, which publishing looks at. A template is drawn anew.
create or replace macro gives_way(draft_run_id, gpt_fallback, reason, status, version, superseding_id, rewrites) as (
    status = 'draft'
    and version = 1
    and gpt_fallback
    and draft_run_id is distinct from superseding_id
    and (
        (rewrites and coalesce(is_untouched_template(gpt_fallback, reason, status, version), false))
        or coalesce(draft_run_id in (select run_id from attempts_before(superseding_id)), false)
    )
);
