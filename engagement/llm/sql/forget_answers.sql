-- One row per answer that serves nobody any more: before $before whatever it is, and before $useless_before where it
-- failed, was rejected, or a newer one stands in its place.
delete from model_answers
where
    answered_at < $before
    or (
        answered_at < $useless_before
        and (cache_key, answered_at) not in (
            select (cache_key, max(answered_at))
            from answers_that_stand
            group by cache_key
        )
    );
