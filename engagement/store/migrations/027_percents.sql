-- Whether a column of percents holds fractions can be told by what it held the last time.
alter table loads add column percents json;

comment on column loads.percents is
'By column in percent: what stood for all of it (scale: 1 or 100), and the median of what is above 0. Null: none.';
