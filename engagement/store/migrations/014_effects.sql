-- What a load did depends on how its file was read: the same bytes read otherwise are other facts.
alter table loads add column effect text;

comment on column loads.effect is
'Digest of what came of it: the content, how it was read, and whether it listed everybody. Null: before version 14.';
