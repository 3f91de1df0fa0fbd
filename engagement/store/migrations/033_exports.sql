-- Rows that an export of a platform was made into are no file: which files they come from is kept with the last load of
-- them, so that an inbox knows those files, and a run that it has loaded them.
alter table loads add column of_files struct(content_hash text, effect text)[];

comment on column loads.of_files is 'of an export: its files, with the last of its loads; empty with those before it, and of what a platform answered to a run; null for rows that are loaded as they stand in a file';
