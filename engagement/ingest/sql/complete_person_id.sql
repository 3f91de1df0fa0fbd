-- One row per learner of a source that does not name the person: who they are in the store already, or themselves.
update temp.checked
set
    person_id = coalesce(
        (select learners.person_id from learners where learners.id = checked.id),
        checked.id
    )
where person_id is null;
