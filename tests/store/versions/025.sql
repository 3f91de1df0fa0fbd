insert into invented values ('2026-02-23');
