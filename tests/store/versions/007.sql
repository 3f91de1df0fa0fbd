-- Since version 7: one text per learner to search in.
insert into learners (id, person_id, name, email, program, load_id, seen_at, person_number, searched)
values (
    'f', 'f', 'Fay Example', 'fay@example.invalid', 'Data', 'L1', '2026-02-22 23:59:59', 6,
    'fay example' || chr(10) || 'f' || chr(10) || 'fay@example.invalid'
);
