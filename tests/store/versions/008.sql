-- Since version 8: the plan of an experiment, and which run drew whom.
insert into experiments
values (
    'nightly/spring', 'nightly', 'spring', 0.1, 'back', 14, '2026-04-01', '2026-02-22 23:59:59', 'nightly-2026-02-22-1'
);

insert into assignments
values ('nightly/spring', 'p', 'nudge', '2026-02-22 23:59:59', '2026-03-08 23:59:59', 'nightly-2026-02-22-1');
