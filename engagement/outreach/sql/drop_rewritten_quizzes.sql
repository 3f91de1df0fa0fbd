-- Each draft of an earlier attempt that the run has written anew.
with rewritten as (

    select id
    from quizzes
    where run_id = $run_id

)

delete from quizzes
where run_id is distinct from $run_id and id in (select rewritten.id from rewritten);
