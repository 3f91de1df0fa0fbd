-- One row per enrolment that the load says is another person's: whose it was until then.
insert into earlier_persons
select
    learners.id as learner_id,
    learners.person_id,
    $until as until
from temp.checked
inner join learners on checked.id = learners.id
left join temp.known_later as later on checked.id = later.id
where checked.reasons is null and later.id is null and checked.person_id <> learners.person_id;
