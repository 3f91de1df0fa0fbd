-- A cell that cannot be read loses nobody, and neither does a row that is no learner's; what became of them is kept
-- with the load, without a word of what stood there.
alter table loads add column odd_cells json;
alter table loads add column left_out json;

comment on column loads.odd_cells is
'Cells of accepted rows that were left empty or changed: by what was odd, how many and the first line. Null: none.';
comment on column loads.left_out is
'Rows that are no learners, such as sums and previews, by what they are, with their lines. Null: none.';
