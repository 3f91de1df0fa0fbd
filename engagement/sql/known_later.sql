-- One row per learner whose entry comes from a load of a later instant; an older file changes nothing of it.
create or replace temp table known_later as
select learners.id
from learners
inner join loads on learners.load_id = loads.load_id
where least(loads.observed_at, loads.loaded_at) > $observed_at;
