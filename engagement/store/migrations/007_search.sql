-- One text per learner to search in: of a million, three columns would each be folded at every letter typed.
alter table learners add column searched text;

update learners
set searched = lower(concat_ws(chr(10), name, id, email));

comment on column learners.searched is '(P) What a search looks in: name, id and address in small letters, a line each.';

-- Whoever came with the first file of a store made by version 5 or 6 may have been left without.
update learners
set person_number = firsts.number
from (
    select
        person_id,
        min(number) as number
    from learners
    group by person_id
) as firsts
where learners.person_id = firsts.person_id and learners.person_number is null;
