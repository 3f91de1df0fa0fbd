-- One row per enrolment that nobody may call today: over, its person opted out, or was contacted after $recently.
create or replace temp table uncallable as
select number
from learners
where
    not active
    or person_number in (select opted_out.person_number from learners as opted_out where opted_out.contact_opt_out)

union

select number
from temp.contacts
where last_contact_at > $recently;
