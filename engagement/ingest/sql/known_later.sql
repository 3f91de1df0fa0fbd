-- One row per learner whose entry a load of a later instant confirmed; an older file changes nothing of it.
create or replace temp table known_later as
select
    id,
    seen_at
from learners
where seen_at > $observed_at;
