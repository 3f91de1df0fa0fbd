-- Since version 3: until when an entry is known to be true, and since when an enrolment is over.
insert into learners (id, person_id, name, program, active, load_id, seen_at, inactive_since)
values ('d', 'd', 'Dan Example', 'Data', false, 'L1', '2026-02-22 23:59:59', '2026-02-15');
