-- Since version 18: who an enrolment was said to be of before.
insert into earlier_persons values ('a', 'a', '2026-02-20 06:00:00');
