-- One row per enrolment whose person has another number than it says: that of the first of their enrolments.
update learners
set person_number = firsts.number
from (
    select
        enrolled.person_id,
        min(enrolled.number) as number
    from learners as enrolled
    group by enrolled.person_id
) as firsts
where learners.person_id = firsts.person_id and learners.person_number is distinct from firsts.number;
