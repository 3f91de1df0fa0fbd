-- One row per enrolment that nobody may call today: over, its person opted out, or was contacted after $recently.
create or replace temp table uncallable as
select learner_number as number
from contact_refusals
where in_app is not null

union

select number
from temp.contacts
where last_contact_at > $recently;
