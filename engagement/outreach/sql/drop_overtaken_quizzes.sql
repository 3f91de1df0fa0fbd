-- Each draft of the run whose place somebody has taken since, by a decision on the template it would replace.
with kept as (

    select id
    from quizzes
    where
        run_id is distinct from $run_id
        and not is_untouched_template(gpt_fallback, reason, status, version)

)

delete from quizzes
where run_id = $run_id and id in (select kept.id from kept);
