-- Since version 30: how sources are read.
insert into source_formats values ('0f', 'learners', 'x.csv', ['id'], '{"key": "email"}', '2026-02-23');
