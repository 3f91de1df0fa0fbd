-- One row per learner of `checked` who is in another group than is known; an older file undoes nothing.
merge into learner_groups
using (
    select
        checked.id as learner_id,
        $name as name,
        checked.group_value as value
    from temp.checked
    left join temp.known_later as later on checked.id = later.id
    where checked.reasons is null and later.id is null
) as source
    on learner_groups.learner_id = source.learner_id and learner_groups.name = source.name
when matched and source.value is null then delete
when matched and learner_groups.value <> source.value then update set value = source.value, load_id = $load_id
when not matched and source.value is not null then
    insert (learner_id, name, value, load_id) values (source.learner_id, source.name, source.value, $load_id);
