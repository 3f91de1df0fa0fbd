-- A refused row is looked for by its line and its id; the text of the row is shown to nobody who does not ask for it.
alter table quarantine add column row_id text;

comment on column quarantine.row_id is
'Id of the learner as the row gives it. Null: it could not be read, or was refused before ids were kept.';
