-- Since version 26: a store of invented learners.
insert into invented values ('2026-02-23');
