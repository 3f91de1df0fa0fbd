-- Who types a name on a keyboard of another language finds it too: a search looks at letters without their accents.
update learners
set searched = strip_accents(searched)
where searched <> strip_accents(searched);

comment on column learners.searched is '(P) What a search looks in: name, id and address in small letters without accents, a line each.';
