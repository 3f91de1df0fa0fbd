-- Whether a load is like those before it can be told by what they held.
alter table loads add column profile json;
alter table loads add column unlike text[];

comment on column loads.profile is
'Of a load of learners: which columns it had, of each the share of rows that it fills, and the median. Null: none.';
comment on column loads.unlike is
'In words, by what the load falls short of those before it: rows, filled cells or medians. Null: by nothing.';
