-- A platform's own number of a person: its log names nobody otherwise, and so do its messages.
alter table learners add column external_id text;

comment on column learners.external_id is
'(P) The person on the platform they come from, with its name before it, such as moodle:12; null where none is known.';
