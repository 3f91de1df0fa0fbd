-- One row per event with an id of its own, which becomes one within its learner; one stored as it is stays as it is.
update temp.checked
-- the length keeps a|b and 1 apart from a and b|1
set id = sha256(concat_ws('|', length(learner_id), learner_id, id))
where
    id is not null
    and not exists (
        select 1
        from events
        where events.id = checked.id and events.learner_id = checked.learner_id
    );
