-- One row per event of a learner the store does not know.
update temp.checked
set reasons = concat_ws(chr(10), reasons, 'learner_id: no such learner')
where learner_id not in (select id from learners);
